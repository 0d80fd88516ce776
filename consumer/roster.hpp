// Who is live, who is in the open batch, and what each has in there: what the barrier closes on,
// whom it waits for, what bounds one producer, and what is shown of them. A producer is a
// connection, and live once a message of it was accepted, until the connection ends. Pure; touched
// by the router's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "consumer/batch.hpp"
#include "consumer/connection_hash.hpp"

namespace blocky {

// What a producer has in there: accepted and not answered.
struct Holding {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

class Roster {
public:
    // A producer that holds something; valid until all of it is released, connected or not.
    struct Entry;
    using Holder = std::pair<const std::string, Entry>*;

    // A message of this connection is held, in the open batch. `name` is what the producer calls
    // itself, empty if nothing; without any it goes by its connection, in hex.
    Holder enter(std::string_view connection, std::string_view name);
    // The same, but in an older batch: it has taken the message over.
    Holder note(std::string_view connection, std::string_view name);
    // The message counts for so many bytes more.
    static void charge(Holder holder, std::uint64_t bytes);
    // A message of this producer's is in the open batch no longer: it expired, or was taken over.
    void leave(Holder holder);
    // A message that counted for so many bytes is held no longer.
    void release(Holder holder, std::uint64_t bytes);
    // The connection has ended.
    void forget(std::string_view connection);
    // The open batch was closed: nobody is in the next one.
    void turn_page();

    Holding holding(std::string_view connection) const;
    bool is_live(std::string_view connection) const;
    std::size_t live() const { return live_; }
    // Connections with a message in the open batch, those that have ended since included.
    std::size_t present() const { return present_; }
    // Whether all who are live, and at least so many, are in the open batch.
    bool is_full(std::size_t least) const { return live_present_ == live_ && live_ >= least; }
    // Who is not in the open batch, where at least so many are expected.
    Attendance attendance(std::size_t least) const;
    std::size_t missing(std::size_t least) const { return std::max(live_, least) - live_present_; }

    // The names of the live, of so many at most. While version() is the same, so are they.
    std::vector<std::string> names(std::size_t most) const;
    std::uint64_t version() const { return version_; }
    // Where the live are, in the order of their names: kFree, kInOpen, or in one of so many batches
    // before it.
    static constexpr char kFree = '-';
    static constexpr char kInOpen = 'o';
    static constexpr char kInClosed = 'p';
    struct Marks {
        std::string of_each;   // of so many at most
        std::size_t busy = 0;  // of all: those that are not kFree
    };
    Marks marks(std::size_t most, std::size_t closed_batches) const;

    struct Entry {
        std::string name;
        Holding holding;
        std::uint64_t page = 0;    // of the latest batch it has been in
        std::size_t messages = 0;  // in that batch
        bool live = true;
    };

private:
    using Entries = std::unordered_map<std::string, Entry, ConnectionHash, std::equal_to<>>;

    Holder holder_of(std::string_view connection, std::string_view name);
    void erase(Holder holder);
    char mark_of(const Entry& entry, std::size_t closed_batches) const;
    bool is_present(const Entry& entry) const { return entry.page == page_ && entry.messages > 0; }

    Entries entries_;
    Holder latest_ = nullptr;  // that was looked up; null: none, or it is gone
    std::uint64_t page_ = 1;
    std::uint64_t version_ = 0;
    std::size_t live_ = 0;
    std::size_t present_ = 0;
    std::size_t live_present_ = 0;
};

}  // namespace blocky
