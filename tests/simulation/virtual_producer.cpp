// Push, wait, push again.
#include "tests/simulation/virtual_producer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace blocky::simulation {
namespace {

using std::chrono::milliseconds;

constexpr Duration kPatienceAtTheEnd = std::chrono::minutes(1);

}  // namespace

VirtualProducer::VirtualProducer(std::uint64_t number, const Scenario& scenario, Chance& chance,
                                 Agenda& agenda, Network& network, Referee& referee)
    : number_(number),
      scenario_(scenario),
      chance_(chance),
      agenda_(agenda),
      network_(network),
      referee_(referee),
      messages_(scenario.messages),
      open_(scenario.messages) {
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        auto& message = messages_[i];
        const auto* const poison = chance.one_in(scenario.poison_one_in) ? "poison" : "";
        message.item.value = fmt::format(R"("{}.{}{}{}")", number, i, poison,
                                         std::string(chance.between(0, 60), '.'));
        if (!chance.one_in(scenario.nameless_one_in)) {
            message.item.id = fmt::format("p{}:{}", number, i);
        }
        if (chance.one_in(scenario.deadline_one_in)) {
            message.deadline_ms = chance.between(1, 500);
        }
    }
}

// Sends as many as the window allows.
void VirtualProducer::pump() {
    const auto flying = static_cast<std::uint64_t>(
        std::ranges::count_if(messages_, [](const Message& m) { return m.in_flight; }));
    auto room = scenario_.window - std::min(flying, scenario_.window);
    Indices next;
    const auto flush = [this, &next] {
        if (!next.empty()) {
            send(std::exchange(next, {}));
        }
    };
    for (std::size_t i = 0; i < messages_.size() && room > 0; ++i) {
        const auto& message = messages_[i];
        if (message.settled || message.in_flight) {
            continue;
        }
        // A bundle has one deadline for all.
        if (!next.empty() && messages_[next.front()].deadline_ms != message.deadline_ms) {
            flush();
        }
        next.push_back(i);
        --room;
        if (next.size() >= chance_.between(1, scenario_.bundle)) {
            flush();
        }
    }
    flush();
}

void VirtualProducer::send(const Indices& messages) {
    if (!connect()) {
        if (!std::exchange(pump_planned_, true)) {
            agenda_.in(milliseconds(20), [this] {
                pump_planned_ = false;
                pump();
            });
        }
        return;
    }
    for (const auto index : messages) {
        messages_[index].in_flight = true;
        ++messages_[index].tries;
    }
    put_on_the_way(messages);
    std::vector<std::uint64_t> tries;
    for (const auto index : messages) {
        tries.push_back(messages_[index].tries);
    }
    // Who is less patient than the way is long never hears of anything.
    const auto patience =
        is_calm_ ? std::max(scenario_.patience, kPatienceAtTheEnd) : scenario_.patience;
    agenda_.in(patience, [this, messages, tries] { timed_out(messages, tries); });
    after_sending(messages);
}

void VirtualProducer::put_on_the_way(const Indices& messages) {
    const auto tag = fmt::format("p{}#{}", number_, ++requests_);
    std::vector<Item> items;
    for (const auto index : messages) {
        items.push_back(messages_[index].item);
    }
    sent_[tag] = messages;
    referee_.sent(tag, connection_->name, std::move(items));
    network_.request(connection_, tag, body_of(messages));
}

// What may befall a producer that has just sent something.
void VirtualProducer::after_sending(const Indices& messages) {
    if (is_calm_) {
        return;
    }
    const bool again = std::ranges::all_of(
        messages, [this](std::size_t index) { return !messages_[index].item.id.empty(); });
    if (again && chance_.one_in(scenario_.twice_one_in)) {
        if (chance_.one_in(2)) {
            network_.cut(connection_, true);
        }
        if (connect()) {
            put_on_the_way(messages);
        }
    }
    if (chance_.one_in(scenario_.cut_one_in)) {
        network_.cut(connection_, false);
    } else if (chance_.one_in(scenario_.death_one_in)) {
        network_.cut(connection_, true);
        sent_.clear();
        agenda_.in(chance_.between(milliseconds(1), milliseconds(2'000)), [this] { come_back(); });
    }
}

std::string VirtualProducer::body_of(const Indices& messages) const {
    const auto& first = messages_[messages[0]];
    const auto deadline =
        first.deadline_ms > 0 ? fmt::format(R"(,"deadline_ms":{})", first.deadline_ms) : "";
    const auto members = [](const Item& item) {
        return fmt::format(R"("value":{}{})", item.value,
                           item.id.empty() ? "" : fmt::format(R"(,"id":"{}")", item.id));
    };
    if (messages.size() == 1) {
        return fmt::format(R"({{"producer":"p{}"{},{}}})", number_, deadline, members(first.item));
    }
    std::string parts;
    for (const auto index : messages) {
        parts +=
            fmt::format(R"({}{{{}}})", parts.empty() ? "" : ",", members(messages_[index].item));
    }
    return fmt::format(R"({{"producer":"p{}"{},"messages":[{}]}})", number_, deadline, parts);
}

bool VirtualProducer::connect() {
    if (connection_ && connection_->open) {
        return true;
    }
    connection_ = network_.connect();
    if (!connection_) {
        return false;
    }
    connection_->receive = [this](const std::string& tag, const std::string& body) {
        received(tag, body);
    };
    connection_->broke = [this, name = connection_->name] {
        if (connection_ && connection_->name == name) {
            connection_broke();
        }
    };
    return true;
}

void VirtualProducer::received(const std::string& tag, const std::string& body) {
    const auto found = sent_.find(tag);
    if (found == sent_.end()) {
        return;  // of an earlier life
    }
    const auto messages = std::move(found->second);
    sent_.erase(found);
    if (messages.size() == 1) {
        settle(messages[0], decode_reply(body).value());
    } else {
        const auto reply = decode_bundle_reply(body).value();
        for (std::size_t i = 0; i < messages.size(); ++i) {
            settle(messages[i], reply.all ? *reply.all : reply.members[i].reply.value());
        }
    }
    const auto pause = chance_.between(Duration(0), scenario_.pause);
    pause > Duration(0) ? agenda_.in(pause, [this] { pump(); }) : pump();
}

void VirtualProducer::settle(std::size_t index, const ReceivedReply& reply) {
    auto& message = messages_[index];
    if (message.settled) {
        return;
    }
    // A deadline may be too short for ever.
    if (reply.ok || !reply.retry || reply.code == "expired") {
        message.settled = true;
        message.in_flight = false;
        --open_;
    } else if (message.item.id.empty() && reply.code == "sink_failed") {
        give_up(index);  // it may be stored
    } else {
        // Ever more patiently, as many have to wait for their turn.
        const auto delay = reply.retry_after.value_or(milliseconds(50));
        try_again(index, delay * std::min<std::uint64_t>(message.tries, 20));
    }
}

void VirtualProducer::timed_out(const Indices& messages, const std::vector<std::uint64_t>& tries) {
    bool again = false;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        auto& message = messages_[messages[i]];
        if (message.in_flight && !message.settled && message.tries == tries[i]) {
            message.in_flight = false;
            message.item.id.empty() ? give_up(messages[i]) : void(again = true);
        }
    }
    if (again && chance_.one_in(2) && connection_) {
        network_.cut(connection_, true);
    }
    pump();
}

void VirtualProducer::connection_broke() {
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        if (messages_[i].in_flight && !messages_[i].settled) {
            messages_[i].in_flight = false;
            if (messages_[i].item.id.empty()) {
                give_up(i);
            }
        }
    }
    pump();
}

// It knows what it has to push, and no more of what it was about.
void VirtualProducer::come_back() {
    if (connection_) {
        network_.cut(connection_, true);
    }
    connection_broke();
}

void VirtualProducer::try_again(std::size_t index, Duration delay) {
    agenda_.in(delay, [this, index, tries = messages_[index].tries] {
        auto& message = messages_[index];
        if (!message.settled && message.tries == tries) {
            message.in_flight = false;
            pump();
        }
    });
}

void VirtualProducer::give_up(std::size_t index) {
    auto& message = messages_[index];
    message.settled = true;
    message.in_flight = false;
    --open_;
}

std::string VirtualProducer::describe() const {
    std::string text;
    for (const auto& message : messages_) {
        if (!message.settled) {
            text += fmt::format(" {} ({} tries)", message.item.value, message.tries);
        }
    }
    return text;
}

}  // namespace blocky::simulation
