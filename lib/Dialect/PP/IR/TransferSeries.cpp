//===- TransferSeries.cpp - Transfers that differ by micro-batch ----------===//

#include "pp/Dialect/PP/IR/TransferSeries.h"

#include "pp/Dialect/PP/IR/PPOps.h"

#include <map>

using namespace mlir;
using namespace pp;

TransferSeries::TransferSeries(Block &program) {
  std::map<decltype(CommunicationEvent().getSeries()), unsigned> numbers;
  for (Operation &op : program) {
    auto rank = dyn_cast<RankOpInterface>(op);
    auto event = rank ? rank.getCommunication() : std::nullopt;
    if (!event)
      continue;
    if (event->isPost() && event->microbatch) {
      seriesOf[&op] =
          numbers.try_emplace(event->getSeries(), numbers.size()).first->second;
    } else if (event->kind == CommunicationEvent::Kind::Wait) {
      auto known = seriesOf.find(event->posted);
      if (known == seriesOf.end())
        continue;
      unsigned number = known->second;
      seriesOf[&op] = number;
      waits.insert(&op);
    }
  }
  count = numbers.size();
}
