//===- ConfigKeys.h - Keys of a config.json ---------------------*- C++ -*-===//

#ifndef PP_LIB_IMPORT_CONFIGKEYS_H
#define PP_LIB_IMPORT_CONFIGKEYS_H

#include "Json.h"

#include <optional>
#include <set>

namespace pp::hf {

/// The keys of an object, taken one by one. Errors are collected; what nobody
/// has taken at the end is one as well. A value of null is that of a key that
/// is not there.
class ConfigKeys {
public:
  ConfigKeys(const Json &object, std::string where,
             std::vector<std::string> &errors)
      : object(object), where(std::move(where)), errors(errors) {}

  /// The value, which counts as read.
  const Json *take(const std::string &key);
  bool has(const std::string &key) const;

  /// No size of a model is larger; products of two of them fit 64 bits.
  static constexpr int64_t mostCount = int64_t(1) << 30;
  /// A whole number in a range; without a default the key has to be there.
  int64_t count(const std::string &key, std::optional<int64_t> fallback = {},
                int64_t lowest = 1, int64_t highest = mostCount);
  /// A finite number, above 0 or, with `orZero`, 0.
  double number(const std::string &key, std::optional<double> fallback = {},
                bool orZero = false);
  bool flag(const std::string &key, bool fallback);
  std::string text(const std::string &key,
                   std::optional<std::string> fallback = {});

  /// The only value of `key` that is supported, which it also has where it is
  /// not there; `why` names what another would need.
  void require(const std::string &key, const Json &value,
               const std::string &why);
  /// Keys of `names` may have any value.
  void passOver(const std::vector<std::string> &names);
  /// Keys of `names` are errors unless they are null, false, 0 or empty.
  void refuse(const std::vector<std::string> &names, const std::string &why);
  /// Whatever was not taken is an error, unless it is in `ignored`.
  void finish(const std::vector<std::string> &ignored,
              const std::string &remedy);

  /// `found KEY = VALUE, expected EXPECTED`.
  void fail(const std::string &key, const std::string &expected);
  /// Any other message.
  void failWith(const std::string &message);

private:
  void missing(const std::string &key, const std::string &expected);

  const Json &object;
  std::string where;
  std::vector<std::string> &errors;
  std::set<std::string> taken;
};

} // namespace pp::hf

#endif // PP_LIB_IMPORT_CONFIGKEYS_H
