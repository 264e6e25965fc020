"""Which tokens a run trains on, by the formulas of docs/Data.md: a second writing of
runtime/lib/SampleOrder.cpp and what it stands on."""

MASK = 2**64 - 1


def philox64(key, low, high):
    """Philox4x32-10 (Salmon et al., 2011)."""
    word = 2**32 - 1
    counter = [low & word, low >> 32, high & word, high >> 32]
    keys = [key & word, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ keys[0], b & word,
                   (a >> 32) ^ counter[3] ^ keys[1], a & word]
        keys = [(keys[0] + 0x9E3779B9) & word, (keys[1] + 0xBB67AE85) & word]
    return counter[1] << 32 | counter[0]


def stream(seed, name):
    key = 0xCBF29CE484222325
    for c in name.encode():
        key = (key ^ c) * 0x100000001B3 & MASK
    return philox64(key, seed, 0)


def permuted(key, number, count, i):
    bits = (count - 1).bit_length()
    low_bits = bits // 2
    low_mask, high_mask = 2**low_bits - 1, 2**(bits - low_bits) - 1
    while True:
        low, high = i & low_mask, i >> low_bits
        for r in range(0, 8, 2):
            high ^= philox64(key, low, number * 16 + r) & high_mask
            low ^= philox64(key, high, number * 16 + r + 1) & low_mask
        i = high << low_bits | low
        if i < count:
            return i


def make_tree(weights):
    """Nested (weight, left, right); a leaf has its number and None. For 128 at most."""
    total = sum(weights)
    shares = [round(weight / total * 2.0**40) for weight in weights]
    order = sorted(range(len(shares)), key=lambda i: (-shares[i], -i))
    before = [0]
    for i in order:
        before.append(before[-1] + shares[i])

    def cuts_for(error):
        """Where to cut each range so that no source is off by more than the error, and
        whether that can be; `allowed` is how much the range may be off by itself."""
        allowed, cuts = {(i, i + 1): error for i in range(len(order))}, {}
        for length in range(2, len(order) + 1):
            for i in range(len(order) - length + 1):
                j = i + length
                best = float("-inf")
                for k in range(i + 1, j):
                    both = min((allowed[part] - 0.5) * (before[j] - before[i])
                               / (before[part[1]] - before[part[0]]) for part in ((i, k), (k, j)))
                    if both > best:
                        best, cuts[i, j] = both, k
                allowed[i, j] = best
        return cuts, allowed[0, len(order)] >= 0

    most, least = 4.0, 0.5
    for _ in range(20):
        middle = (most + least) / 2
        most, least = (middle, least) if cuts_for(middle)[1] else (most, middle)
    cuts, _ = cuts_for(most)

    def tree(i, j):
        if j - i == 1:
            return shares[order[i]], order[i], None
        return before[j] - before[i], tree(i, cuts[i, j]), tree(cuts[i, j], j)
    return tree(0, len(order))


def source_of(node, n):
    """The source of sample n, and its number there."""
    while node[2] is not None:
        weight, left, right = node
        before, after = ((2 * k * left[0] + weight) // (2 * weight) for k in (n, n + 1))
        node, n = (left, before) if after > before else (right, n - before)
    return node[1], n


class Order:
    """Where samples begin, in files of so many tokens."""

    def __init__(self, lengths, weights, sequence, order, seed):
        self.lengths, self.sequence, self.order, self.seed = lengths, sequence, order, seed
        self.tree = make_tree(weights)

    def place(self, sample):
        """The number of the file, and of the first token."""
        file, n = source_of(self.tree, sample)
        of = f" of file {file}" if file else ""
        length, sequence = self.lengths[file], self.sequence
        if self.order == "windows":
            key = stream(self.seed, "order of the data" + of)
            return file, philox64(key, n, 0) * (length - sequence) >> 64
        windows, left = divmod(length - 1, sequence)
        epoch, n = divmod(n, windows)
        window = permuted(stream(self.seed, "epochs of the data" + of), epoch, windows, n)
        key = stream(self.seed, "shifts of the data" + of)
        return file, window * sequence + (philox64(key, epoch, 0) * (left + 1) >> 64)
