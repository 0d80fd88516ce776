// Which ids are held now and which were processed lately: what makes sending again safe.
// One open-addressing table of 128-bit keyed hashes (SipHash-2-4 from libsodium) serves both, and a
// ring keeps the order in which processed ids are forgotten: 24 + 16 bytes an id, whatever its
// length, nothing allocated per message. The key is secret, so that nobody can choose ids that
// collide; by chance two of 2^128 hashes do not. Pure; touched by the router's thread only.
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

    // Remembers the last `window` committed ids, and all that are held; 0: held ones only.
    // Memory for a full window is reserved at once, and taken as it fills.
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

    std::size_t size() const { return size_; }

private:
    struct Entry {
        IdHash id;                 // zero: the entry is free
        std::uint64_t number = 0;  // kCommitted, or the message that holds the id
    };
    struct Release {
        void operator()(Entry* entries) const;
    };
    using Entries = std::unique_ptr<Entry[], Release>;

    static Entries allocate(std::size_t capacity);
    std::size_t slot_of(IdHash id) const;
    void insert(const Entry& entry);
    void grow();

    Secret secret_;
    std::size_t mask_;  // capacity − 1; the capacity is a power of two
    Entries entries_;
    std::size_t size_ = 0;
    std::size_t window_;
    std::vector<IdHash> committed_;  // a ring once it has `window_` ids
    std::size_t oldest_ = 0;
};

}  // namespace blocky
