// Compose, append, remember: an id is known once its line is on the disk, and not before.
#include "consumer/sinks/jsonl.hpp"

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

#include "consumer/sinks/jsonl_line.hpp"
#include "consumer/sinks/lines_backwards.hpp"
#include "consumer/sinks/stored_message.hpp"
#include "consumer/sinks/stored_summary.hpp"

namespace blocky {
namespace {

// What reading ids back may delay the start by; what comes after it takes a fraction of a second
// more for a million ids.
constexpr std::chrono::milliseconds kLongestReading{1500};

IdTable::Secret random_secret() {
    IdTable::Secret secret{};
    randombytes_buf(secret.data(), secret.size());
    return secret;
}

BatchResult fail(std::string reason) {
    return tl::make_unexpected(SinkFailure{SinkFailure::Kind::kTransient, std::move(reason)});
}

}  // namespace

JsonlSink::JsonlSink(FileSystem& system, std::string path, std::string run,
                     std::uint64_t dedup_window)
    : name_(std::filesystem::path(path).filename()),
      run_(std::move(run)),
      dedup_window_(dedup_window),
      file_(system, std::move(path)),
      ids_(dedup_window, random_secret()) {
    if (const auto problem = make_ready()) {
        throw std::runtime_error(*problem);
    }
}

BatchResult JsonlSink::process(const Batch& batch) {
    if (reopen_.exchange(false)) {
        file_.close();
    }
    if (auto problem = make_ready()) {
        return fail(std::move(*problem));
    }
    std::vector<Verdict> verdicts(batch.messages.size());
    write_lines(batch, verdicts);
    auto stored = lines_.empty() ? tl::expected<void, std::string>() : file_.append(lines_);
    for (const auto& id : held_) {
        stored ? ids_.commit(id) : ids_.forget(id);
    }
    if (!stored) {
        return fail(std::move(stored.error()));
    }
    return verdicts;
}

// Why there is no file to write to.
std::optional<std::string> JsonlSink::make_ready() {
    const auto ready = file_.ready();
    if (!ready) {
        return ready.error();
    }
    if (*ready == JsonlFile::Ready::kOther) {
        learn_ids();
    }
    return std::nullopt;
}

// Only of messages that are not known yet, whose ids are held from here on.
void JsonlSink::write_lines(const Batch& batch, std::vector<Verdict>& verdicts) {
    JsonlWriter writer(run_, batch.number);
    lines_.clear();
    held_.clear();
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        const auto& message = batch.messages[i];
        const auto id = stored_id(message, run_);
        const auto hash = ids_.hash(id);
        if (ids_.find(hash)) {
            verdicts[i].kind = Verdict::Kind::kDuplicate;
            continue;
        }
        ids_.hold(hash, message.number);
        held_.push_back(hash);
        writer.append(lines_, message, id);
    }
}

// From the end of the file, as many as are remembered. If that takes too long, what was read until
// then is what is known: said aloud, because it is what `exactly once` hangs on after a restart.
void JsonlSink::learn_ids() {
    const auto start = Clock::now();
    std::vector<IdHash> ids;  // newest first
    const auto end = visit_lines_backwards(
        file_.file(), file_.end(),
        {.lines = dedup_window_, .until = start + kLongestReading, .head_bytes = kJsonlHeadBytes},
        [&](std::string_view head) {
            if (const auto id = jsonl_id(head)) {
                ids.push_back(ids_.hash(*id));
            }
        });
    remember(ids);
    const auto took = to_milliseconds(Clock::now() - start);
    if (!end) {
        spdlog::warn(
            "{} cannot be read back ({}): of the ids in it only the last {} are known again, and a "
            "message with an older one is stored again",
            file_.path(), end.error().message(), ids.size());
    } else if (*end == BackwardsEnd::kTime) {
        spdlog::warn(
            "{}: only its last {} ids are known again, not {} (--dedup-window), since reading more "
            "would take longer than {} ms: a message with an older one is stored again",
            file_.path(), ids.size(), dedup_window_, kLongestReading.count());
    } else if (!ids.empty()) {
        spdlog::info("{}: its last {} ids are known again, after {:.0f} ms", file_.path(),
                     ids.size(), took);
    }
}

// In the order that they are to be forgotten in.
void JsonlSink::remember(const std::vector<IdHash>& ids) {
    constexpr std::ptrdiff_t kAhead = 16;
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
        if (ids.rend() - id > kAhead) {
            ids_.expect(id[kAhead]);
        }
        if (!ids_.find(*id)) {
            ids_.hold(*id, 0);
            ids_.commit(*id);
        }
    }
}

std::optional<std::string> JsonlSink::objection_to(const PushRequest& /*request*/) const {
    return std::nullopt;
}

Summary JsonlSink::summarize(const Batch& /*batch*/, const std::vector<Verdict>& verdicts) const {
    return stored_summary(verdicts, "line", name_);
}

}  // namespace blocky
