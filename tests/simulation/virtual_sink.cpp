// One call: time passes, then perhaps something goes wrong.
#include "tests/simulation/virtual_sink.hpp"

namespace blocky::simulation {
namespace {

constexpr std::string_view kPoison = "poison";

BatchResult fail(SinkFailure::Kind kind, const char* why) {
    return tl::make_unexpected(SinkFailure{kind, why});
}

bool is_poison(const Message& message) {
    return message.value.find(kPoison) != std::string_view::npos;
}

}  // namespace

VirtualSink::VirtualSink(const Scenario& scenario, Chance& chance, Referee& referee,
                         TimePoint start)
    : scenario_(scenario),
      chance_(chance),
      referee_(referee),
      down_from_(start + chance.between(Duration(0), scenario.faults_for)) {}

BatchResult VirtualSink::process(const Batch& batch) {
    constexpr auto kTransient = SinkFailure::Kind::kTransient;
    *clock_ += chance_.between(Duration(0), scenario_.sink_takes);
    const auto goes_wrong = [this](std::uint64_t one_in) {
        return !is_calm_ && chance_.one_in(one_in);
    };
    const auto down_until = down_from_ + scenario_.sink_down_for;
    if (goes_wrong(scenario_.sink_fails_one_in) ||
        (*clock_ >= down_from_ && *clock_ < down_until)) {
        return fail(kTransient, "it is down");
    }
    // Half of all kinds of sinks fail a batch for one message, the others name it.
    const bool names_poison = scenario_.producers % 2 == 0;
    if (!names_poison && std::ranges::any_of(batch.messages, is_poison)) {
        return fail(SinkFailure::Kind::kPermanent, "it is poison");
    }
    if (goes_wrong(scenario_.sink_half_one_in)) {
        store(batch, batch.messages.size() / 2);
        return fail(kTransient, "it broke off");
    }
    auto verdicts = store(batch, batch.messages.size());
    if (goes_wrong(scenario_.sink_silent_one_in)) {
        return fail(kTransient, "it said nothing");
    }
    return verdicts;
}

// The first so many; of the others nothing is said.
std::vector<Verdict> VirtualSink::store(const Batch& batch, std::size_t messages) {
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < messages; ++i) {
        const auto& message = batch.messages[i];
        if (is_poison(message)) {
            verdicts.push_back({Verdict::Kind::kRejected, "it is poison"});
        } else if (scenario_.sink_remembers && ids_.contains(message.id)) {
            verdicts.push_back({Verdict::Kind::kDuplicate, {}});
        } else if (!is_calm_ && chance_.one_in(scenario_.sink_partial_one_in)) {
            verdicts.push_back({Verdict::Kind::kFailed, "it was left out"});
        } else {
            referee_.committed(message, batch.number, *clock_);
            if (scenario_.sink_remembers && !message.id.empty()) {
                ids_.emplace(message.id);
                stored_.emplace(*clock_, message.id);
            }
            verdicts.push_back({Verdict::Kind::kStored, "1"});
        }
    }
    return verdicts;
}

void VirtualSink::roll_back(TimePoint after) {
    while (!stored_.empty() && std::prev(stored_.end())->first > after) {
        ids_.erase(std::prev(stored_.end())->second);
        stored_.erase(std::prev(stored_.end()));
    }
    referee_.rolled_back(after);
}

std::optional<std::string> VirtualSink::objection_to(const PushRequest& /*request*/) const {
    return std::nullopt;
}

Summary VirtualSink::summarize(const Batch& /*batch*/,
                               const std::vector<Verdict>& /*verdicts*/) const {
    return {};
}

}  // namespace blocky::simulation
