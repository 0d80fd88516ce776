// Linear probing, and deletion by moving later entries back: no tombstones, so it never decays.
#include "consumer/id_table.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <sodium.h>

#include "common/invariant.hpp"

namespace blocky {
namespace {

constexpr std::uint64_t kCommitted = ~std::uint64_t{0};
constexpr IdHash kFree{};
constexpr std::size_t kLeastCapacity = 1U << 12U;

static_assert(crypto_shorthash_siphashx24_KEYBYTES == std::tuple_size_v<IdTable::Secret>);
static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(IdHash));

}  // namespace

void IdTable::Release::operator()(Entry* entries) const {
    std::free(entries);  // NOLINT(cppcoreguidelines-no-malloc)
}

// calloc, for the kernel gives zeroed pages only as they are touched.
IdTable::Entries IdTable::allocate(std::size_t capacity) {
    void* const memory =
        std::calloc(capacity, sizeof(Entry));  // NOLINT(cppcoreguidelines-no-malloc)
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return Entries(static_cast<Entry*>(memory));
}

IdTable::IdTable(std::size_t window, const Secret& secret)
    : secret_(secret),
      mask_(std::max(kLeastCapacity, std::bit_ceil(window + window / 2)) - 1),
      entries_(allocate(mask_ + 1)),
      window_(window) {
    committed_.reserve(window);
}

IdHash IdTable::hash(std::string_view id) const {
    std::array<unsigned char, sizeof(IdHash)> bytes{};
    crypto_shorthash_siphashx24(bytes.data(), reinterpret_cast<const unsigned char*>(id.data()),
                                id.size(), secret_.data());
    auto hash = std::bit_cast<IdHash>(bytes);
    hash.low |= static_cast<std::uint64_t>(hash == kFree);
    return hash;
}

// Where the id is, or the free entry where it would be put.
std::size_t IdTable::slot_of(IdHash id) const {
    auto slot = id.low & mask_;
    while (entries_[slot].id != kFree && entries_[slot].id != id) {
        slot = (slot + 1) & mask_;
    }
    return slot;
}

std::optional<IdTable::Known> IdTable::find(IdHash id) const {
    const auto& entry = entries_[slot_of(id)];
    if (entry.id == kFree) {
        return std::nullopt;
    }
    return Known{entry.number == kCommitted, entry.number};
}

void IdTable::hold(IdHash id, std::uint64_t number) {
    if ((size_ + 1) * 4 > (mask_ + 1) * 3) {
        grow();
    }
    insert({id, number});
}

void IdTable::insert(const Entry& entry) {
    auto& slot = entries_[slot_of(entry.id)];
    invariant(slot.id == kFree, "an id is held once");
    slot = entry;
    ++size_;
}

void IdTable::grow() {
    const auto old = std::move(entries_);
    const auto old_capacity = mask_ + 1;
    entries_ = allocate(old_capacity * 2);
    mask_ = old_capacity * 2 - 1;
    size_ = 0;
    for (std::size_t slot = 0; slot < old_capacity; ++slot) {
        if (old[slot].id != kFree) {
            insert(old[slot]);
        }
    }
}

void IdTable::commit(IdHash id) {
    if (window_ == 0) {
        forget(id);
        return;
    }
    auto& entry = entries_[slot_of(id)];
    invariant(entry.id == id && entry.number != kCommitted, "only a held id is committed");
    entry.number = kCommitted;
    if (committed_.size() < window_) {
        committed_.push_back(id);
        return;
    }
    forget(std::exchange(committed_[oldest_], id));
    oldest_ = (oldest_ + 1) % window_;
}

void IdTable::forget(IdHash id) {
    auto hole = slot_of(id);
    invariant(entries_[hole].id == id, "only a known id is forgotten");
    --size_;
    // Each later entry of the run that may lie at the hole, or before it, moves there.
    for (auto next = (hole + 1) & mask_; entries_[next].id != kFree; next = (next + 1) & mask_) {
        const auto home = entries_[next].id.low & mask_;
        if (((next - home) & mask_) >= ((next - hole) & mask_)) {
            entries_[hole] = entries_[next];
            hole = next;
        }
    }
    entries_[hole].id = kFree;
}

}  // namespace blocky
