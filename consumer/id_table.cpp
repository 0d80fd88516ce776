// Linear probing, and deletion by moving later slots back: no tombstones, so it never decays.
#include "consumer/id_table.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <utility>

#include <sodium.h>

#include "common/invariant.hpp"

namespace blocky {
namespace {

constexpr std::uint32_t kFree = 0;
constexpr std::uint32_t kHeld = 1U << 31U;
constexpr std::size_t kMostCommitted = kHeld - 1;
constexpr std::size_t kLeastCapacity = 1U << 12U;
constexpr std::size_t kHugePage = 2U << 20U;
constexpr std::size_t kTakenAtOnce = 64U << 20U;

static_assert(crypto_shorthash_siphashx24_KEYBYTES == std::tuple_size_v<IdTable::Secret>);
static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(IdHash));

}  // namespace

void IdTable::Release::operator()(Slot* /*inside*/) const {
    munmap(pages, bytes);
}

// Ids lie all over the table. Huge pages spare nearly every look-up a walk through the page tables,
// and what is taken at the start spares the first ids a page fault each, of which a bundle of
// 10,000 would have some thousand. Both are for speed only, so whether they work is not asked.
IdTable::Slots IdTable::allocate(std::size_t capacity) {
    const auto used = capacity * sizeof(Slot);
    const auto bytes = used + kHugePage;  // room to begin at a boundary
    void* const pages =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        throw std::bad_alloc();
    }
    void* begin = pages;
    auto room = bytes;
    std::align(kHugePage, used, begin, room);
    madvise(begin, used, MADV_HUGEPAGE);
    if (used <= kTakenAtOnce) {
        madvise(begin, used, MADV_POPULATE_WRITE);
    }
    return {static_cast<Slot*>(begin), Release{pages, bytes}};
}

IdTable::IdTable(std::size_t window, const Secret& secret)
    : secret_(secret),
      mask_(std::max(kLeastCapacity, std::bit_ceil(window + window / 2)) - 1),
      slots_(allocate(mask_ + 1)),
      window_(std::min(window, kMostCommitted)) {
    committed_.reserve(window_);
}

IdHash IdTable::hash(std::string_view id) const {
    std::array<unsigned char, sizeof(IdHash)> bytes{};
    crypto_shorthash_siphashx24(bytes.data(), reinterpret_cast<const unsigned char*>(id.data()),
                                id.size(), secret_.data());
    return std::bit_cast<IdHash>(bytes);
}

const IdHash& IdTable::id_at(std::uint32_t place) const {
    return place >= kHeld ? held_[place - kHeld].id : committed_[place - 1];
}

// Where the id is, or the free slot where it would be put.
std::size_t IdTable::slot_of(IdHash id) const {
    const auto tag = tag_of(id);
    auto at = home_of(tag);
    for (auto slot = slots_[at]; slot.place != kFree; slot = slots_[at]) {
        if (slot.tag == tag && id_at(slot.place) == id) {
            break;
        }
        at = (at + 1) & mask_;
    }
    return at;
}

std::optional<IdTable::Known> IdTable::find(IdHash id) const {
    const auto place = slots_[slot_of(id)].place;
    if (place == kFree) {
        return std::nullopt;
    }
    const bool held = place >= kHeld;
    return Known{!held, held ? held_[place - kHeld].number : 0};
}

void IdTable::hold(IdHash id, std::uint64_t number) {
    if ((size_ + 1) * 4 > (mask_ + 1) * 3) {
        grow();
    }
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(held_.size()));
        held_.emplace_back();
    }
    const auto at = slot_of(id);
    invariant(slots_[at].place == kFree, "an id is held once");
    slots_[at] = {tag_of(id), kHeld + free_.back()};
    held_[free_.back()] = {id, number};
    free_.pop_back();
    ++size_;
}

// Into the first free slot, for it is in no other.
void IdTable::insert(Slot slot) {
    auto at = home_of(slot.tag);
    while (slots_[at].place != kFree) {
        at = (at + 1) & mask_;
    }
    slots_[at] = slot;
}

void IdTable::grow() {
    const auto old = std::move(slots_);
    const auto old_capacity = mask_ + 1;
    slots_ = allocate(old_capacity * 2);
    mask_ = old_capacity * 2 - 1;
    for (std::size_t at = 0; at < old_capacity; ++at) {
        if (old[at].place != kFree) {
            insert(old[at]);
        }
    }
}

void IdTable::commit(IdHash id) {
    if (window_ == 0) {
        forget(id);
        return;
    }
    const auto place = next_place(id);
    auto& slot = slots_[slot_of(id)];
    invariant(slot.place >= kHeld, "only a held id is committed");
    free_.push_back(slot.place - kHeld);
    slot.place = place;
}

// Puts the id into the ring, where it may take the place of the oldest one.
std::uint32_t IdTable::next_place(IdHash id) {
    if (committed_.size() < window_) {
        committed_.push_back(id);
        return static_cast<std::uint32_t>(committed_.size());
    }
    remove(slot_of(committed_[oldest_]));
    committed_[oldest_] = id;
    const auto place = static_cast<std::uint32_t>(oldest_ + 1);
    oldest_ = place == window_ ? 0 : place;
    return place;
}

void IdTable::expect_forgetting(std::size_t others) const {
    if (committed_.size() == window_ && others < window_) {
        const auto at = oldest_ + others;
        expect(committed_[at < window_ ? at : at - window_]);
    }
}

void IdTable::forget(IdHash id) {
    const auto at = slot_of(id);
    invariant(slots_[at].place >= kHeld, "only a held id is forgotten");
    free_.push_back(slots_[at].place - kHeld);
    remove(at);
}

// Each later slot of the run that may lie at the hole, or before it, moves there.
void IdTable::remove(std::size_t hole) {
    invariant(slots_[hole].place != kFree, "only a known id is removed");
    --size_;
    for (auto next = (hole + 1) & mask_; slots_[next].place != kFree; next = (next + 1) & mask_) {
        const auto home = home_of(slots_[next].tag);
        if (((next - home) & mask_) >= ((next - hole) & mask_)) {
            slots_[hole] = slots_[next];
            hole = next;
        }
    }
    slots_[hole].place = kFree;
}

}  // namespace blocky
