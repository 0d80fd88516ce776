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

Roster::Entry& Roster::entry_of(std::string_view connection, std::string_view name) {
    if (latest_ != nullptr && latest_->first == connection && latest_->second.name == name) {
        return latest_->second;  // of many from one producer, as in a bundle
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
    return found->second;
}

void Roster::note(std::string_view connection, std::string_view name) {
    entry_of(connection, name);
}

void Roster::enter(std::string_view connection, std::string_view name) {
    auto& entry = entry_of(connection, name);
    if (!is_present(entry)) {
        entry.page = page_;
        entry.messages = 0;
        ++present_;
        live_present_ += entry.live ? 1U : 0U;
    }
    ++entry.messages;
}

void Roster::leave(std::string_view connection) {
    const auto found = entries_.find(connection);
    if (found == entries_.end() || !is_present(found->second)) {
        return;
    }
    if (--found->second.messages == 0) {
        --present_;
        live_present_ -= found->second.live ? 1U : 0U;
    }
}

void Roster::forget(std::string_view connection) {
    const auto found = entries_.find(connection);
    if (found == entries_.end() || !found->second.live) {
        return;
    }
    --live_;
    ++version_;
    if (!is_present(found->second)) {
        latest_ = nullptr;
        entries_.erase(found);
        return;
    }
    found->second.live = false;
    --live_present_;
    ended_.emplace_back(connection);
}

void Roster::turn_page() {
    ++page_;
    present_ = 0;
    live_present_ = 0;
    for (const auto& connection : ended_) {
        latest_ = nullptr;
        entries_.erase(connection);
    }
    ended_.clear();
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
