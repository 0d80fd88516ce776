// Which ids are held now and which were processed lately: what makes sending again safe.
// Every id is one 128-bit keyed hash (SipHash-2-4 from libsodium), kept in a ring once it was
// processed, which is the order of forgetting, and in a pool while it is held. One open-addressing
// table finds both: 8 bytes a slot, 32 of the hash and 32 that say where the rest is, so that a
// look-up touches one cache line of a table that is small for what it knows. 16 + 16 bytes an id,
// whatever its length, nothing allocated per message. The key is secret, so that nobody can choose
// ids that collide; by chance two of 2^128 hashes do not. Pure; touched by the router's thread
// only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace blocky {

// Names an id in the table.
struct IdHash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const IdHash&) const = default;
};

class IdTable {
public:
    using Secret = std::array<unsigned char, 16>;

    // Remembers the last `window` committed ids (at most 2^31 − 1), and all that are held; 0: held
    // ones only. The table for a full window is reserved at once; up to 64 MiB, which is four times
    // the default, it is taken at once, too, else as it fills.
    IdTable(std::size_t window, const Secret& secret);

    IdHash hash(std::string_view id) const;

    // Whether an id is held, and as which message, or was committed.
    struct Known {
        bool committed = false;
        std::uint64_t held_as = 0;  // the message's number, unless committed
    };
    std::optional<Known> find(IdHash id) const;

    // The id, unknown until now, belongs to message `number`, which is held.
    void hold(IdHash id, std::uint64_t number);
    // A held id was processed: remembered until `window` others have been processed after it.
    void commit(IdHash id);
    // A held id was not processed: as if it had never come.
    void forget(IdHash id);

    // Where these will look next has left the processor's caches long ago, and is fetched from
    // memory, some 100 ns away, while other work goes on: a call of find() or commit() with this
    // id, and the forgetting that the commit() after so many others will do.
    void expect(IdHash id) const { __builtin_prefetch(&slots_[home_of(tag_of(id))]); }
    void expect_forgetting(std::size_t others) const;

    std::size_t size() const { return size_; }

private:
    struct Slot {
        std::uint32_t tag = 0;    // the hash's upper 32 bits of `low`, of which some say where it
                                  // belongs
        std::uint32_t place = 0;  // kFree, an index into committed_ + 1, or kHeld + one into held_
    };
    struct Held {
        IdHash id;
        std::uint64_t number = 0;
    };
    struct Release {
        void* pages = nullptr;  // around the slots
        std::size_t bytes = 0;
        void operator()(Slot* inside) const;
    };
    using Slots = std::unique_ptr<Slot[], Release>;

    static Slots allocate(std::size_t capacity);
    static std::uint32_t tag_of(IdHash id) { return static_cast<std::uint32_t>(id.low >> 32U); }
    std::size_t home_of(std::uint32_t tag) const { return tag & mask_; }
    const IdHash& id_at(std::uint32_t place) const;
    std::size_t slot_of(IdHash id) const;
    void insert(Slot slot);
    void remove(std::size_t hole);
    std::uint32_t next_place(IdHash id);
    void grow();

    Secret secret_;
    std::size_t mask_;  // capacity − 1; the capacity is a power of two
    Slots slots_;
    std::size_t size_ = 0;
    std::size_t window_;
    std::vector<IdHash> committed_;  // a ring once it has `window_` ids
    std::size_t oldest_ = 0;
    std::vector<Held> held_;  // those in free_ are not in use
    std::vector<std::uint32_t> free_;
};

}  // namespace blocky
