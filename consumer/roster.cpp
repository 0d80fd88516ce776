// A page per batch: turning it empties the attendance of all without touching anybody.
#include "consumer/roster.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace blocky {
namespace {

constexpr std::size_t kNamesAtMost = 10;

std::string in_hex(std::string_view connection) {
    std::string hex;
    for (const char byte : connection) {
        hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    return hex;
}

}  // namespace

Roster::Holder Roster::holder_of(std::string_view connection, std::string_view name) {
    if (latest_ != nullptr && latest_->first == connection && latest_->second.name == name) {
        return latest_;  // of many from one producer, as in a bundle
    }
    auto found = entries_.find(connection);
    if (found == entries_.end()) {
        found = entries_.emplace(connection, Entry()).first;
        found->second.name = name.empty() ? in_hex(connection) : std::string(name);
        ++live_;
        ++version_;
    } else if (!name.empty() && found->second.name != name) {
        found->second.name = name;
        ++version_;
    }
    latest_ = &*found;
    return latest_;
}

Roster::Holder Roster::note(std::string_view connection, std::string_view name) {
    auto* const holder = holder_of(connection, name);
    ++holder->second.holding.messages;
    return holder;
}

Roster::Holder Roster::enter(std::string_view connection, std::string_view name) {
    auto* const holder = note(connection, name);
    auto& entry = holder->second;
    if (!is_present(entry)) {
        entry.page = page_;
        entry.messages = 0;
        ++present_;
        live_present_ += entry.live ? 1U : 0U;
    }
    ++entry.messages;
    return holder;
}

void Roster::charge(Holder holder, std::uint64_t bytes) {
    holder->second.holding.bytes += bytes;
}

void Roster::leave(Holder holder) {
    auto& entry = holder->second;
    if (is_present(entry) && --entry.messages == 0) {
        --present_;
        live_present_ -= entry.live ? 1U : 0U;
    }
}

void Roster::release(Holder holder, std::uint64_t bytes) {
    auto& entry = holder->second;
    entry.holding.bytes -= bytes;
    if (--entry.holding.messages == 0 && !entry.live) {
        erase(holder);
    }
}

void Roster::erase(Holder holder) {
    if (latest_ == holder) {
        latest_ = nullptr;
    }
    entries_.erase(entries_.find(holder->first));
}

void Roster::forget(std::string_view connection) {
    const auto found = entries_.find(connection);
    if (found == entries_.end() || !found->second.live) {
        return;
    }
    auto& entry = found->second;
    --live_;
    ++version_;
    entry.live = false;
    live_present_ -= is_present(entry) ? 1U : 0U;
    if (entry.holding.messages == 0) {
        erase(&*found);
    }
}

void Roster::turn_page() {
    ++page_;
    present_ = 0;
    live_present_ = 0;
}

Holding Roster::holding(std::string_view connection) const {
    if (latest_ != nullptr && latest_->first == connection) {
        return latest_->second.holding;
    }
    const auto found = entries_.find(connection);
    return found == entries_.end() ? Holding() : found->second.holding;
}

bool Roster::is_live(std::string_view connection) const {
    const auto found = entries_.find(connection);
    return found != entries_.end() && found->second.live;
}

Attendance Roster::attendance(std::size_t least) const {
    Attendance attendance{live_, missing(least), {}};
    for (const auto& [connection, entry] : entries_) {
        if (attendance.waiting_for.size() == kNamesAtMost) {
            break;
        }
        if (entry.live && !is_present(entry)) {
            attendance.waiting_for.push_back(entry.name);
        }
    }
    std::ranges::sort(attendance.waiting_for);
    return attendance;
}

std::vector<std::string> Roster::names(std::size_t most) const {
    std::vector<std::string> names;
    for (const auto& [connection, entry] : entries_) {
        if (names.size() == most) {
            break;
        }
        if (entry.live) {
            names.push_back(entry.name);
        }
    }
    return names;
}

char Roster::mark_of(const Entry& entry, std::size_t closed_batches) const {
    if (entry.messages == 0 || entry.page + closed_batches < page_) {
        return kFree;
    }
    return entry.page == page_ ? kInOpen : kInClosed;
}

// An entry remembers the latest batch that it was in, and that says whether anything of it is still
// to be answered: nothing need be counted for each message.
Roster::Marks Roster::marks(std::size_t most, std::size_t closed_batches) const {
    Marks marks;
    for (const auto& [connection, entry] : entries_) {
        if (!entry.live) {
            continue;
        }
        const auto mark = mark_of(entry, closed_batches);
        marks.busy += mark == kFree ? 0U : 1U;
        if (marks.of_each.size() < most) {
            marks.of_each += mark;
        }
    }
    return marks;
}

}  // namespace blocky
