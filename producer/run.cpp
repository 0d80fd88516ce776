// The two ways to push.
#include "producer/run.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <random>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/command_line.hpp"
#include "producer/client.hpp"
#include "producer/pipelined_client.hpp"
#include "producer/replay_source.hpp"

namespace blocky {
namespace {

constexpr int kNotAcknowledged = 3;

// Tells this process's ids from those of any other with the same name, before or after it.
std::string random_session() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

// A dead letter has its message in it, and why it was rejected, in a sink's words: room for both.
constexpr std::size_t kBesidePayload = std::size_t{16} << 20U;

bool is_directory(int descriptor) {
    struct stat status {};
    return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

int open_input(const std::string& option, const std::string& path) {
    if (path == "-") {
        return STDIN_FILENO;
    }
    int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0 && is_directory(descriptor)) {  // which can be opened, and only that
        close(std::exchange(descriptor, -1));
        errno = EISDIR;
    }
    if (descriptor < 0) {
        throw UsageError(
            fmt::format("{}: got \"{}\" ({}); accepts the path of a readable file, or - for stdin",
                        option, path, std::generic_category().message(errno)));
    }
    return descriptor;
}

std::unique_ptr<Source> make_source(const ProducerOptions& options, const StopSignal& stop) {
    const auto id_prefix = fmt::format("{}:{}:", options.client.name, random_session());
    if (options.replay) {
        return std::make_unique<ReplaySource>(ReplaySourceOptions{
            open_input("--replay", *options.replay), id_prefix,
            2 * options.client.max_message_bytes + kBesidePayload, stop.descriptor()});
    }
    if (!options.input) {
        return std::make_unique<CounterSource>(id_prefix);
    }
    return std::make_unique<LineSource>(
        LineSourceOptions{open_input("--input", *options.input), options.raw, options.id_field,
                          id_prefix, options.client.max_message_bytes, stop.descriptor()});
}

ClientOptions client_options(const ProducerOptions& options, const StopSignal& stop) {
    auto client = options.client;
    client.stop_descriptor = stop.descriptor();
    if (options.replay) {
        client.name.clear();  // each message is its own producer's
    }
    return client;
}

}  // namespace

Run::Run(const ProducerOptions& options, const StopSignal& stop)
    : options_(options),
      stop_(stop),
      client_options_(client_options(options, stop)),
      source_(make_source(options, stop)),
      log_(options.log, stop.descriptor()),
      progress_(
          options.progress, options.log != ReplyFormat::kQuiet,
          Tally(Clock::now(), options.input || options.replay ? "line" : "message", options.count)),
      pace_(options.rate) {}

int Run::operator()() {
    if (options_.in_flight == 1) {
        push_in_lock_step();
    } else {
        push_pipelined();
    }
    progress_.finish();
    if (!barred_.empty()) {
        spdlog::error("{}; {} messages were not acknowledged", barred_, lost_);
        return EXIT_FAILURE;
    }
    return lost_ == 0 ? EXIT_SUCCESS : kNotAcknowledged;
}

void Run::push_in_lock_step() {
    Client client(context_, client_options_);
    while (!done() && pace_.wait(stop_.descriptor()) && !stop_.requested()) {
        pace_.take();
        if (const auto item = next_item()) {
            progress_.pushed(item->number);
            settle(item->number, item->id, client.push(item->value, item->id, item->producer));
        }
    }
}

void Run::push_pipelined() {
    PipelinedClient client(
        context_, {client_options_, options_.in_flight, kMaxInFlightBytes, options_.bundle});
    while (!done() && !stop_.requested()) {
        if (!wait_for_turn(client)) {
            continue;
        }
        pace_.take();
        if (const auto item = next_item()) {
            await_same_id(client, item->id);
            // As large as std::function takes without allocating.
            const auto settle_it = [this, number = item->number](std::string_view id,
                                                                 const PushResult& result) {
                settle(number, id, result);
            };
            progress_.pushed(item->number);
            client.push_async(item->value, item->id, settle_it, item->producer);
        }
    }
    client.flush();
}

// False when something has happened meanwhile, and the message's turn has not come. What is in
// flight may be refused, so only what is acknowledged counts; and no more than that may ever be.
bool Run::wait_for_turn(PipelinedClient& client) {
    if (options_.count && client.in_flight() >= *options_.count - acknowledged_) {
        client.wait(TimePoint::max());
        return false;
    }
    if (options_.rate && Clock::now() < pace_.next()) {
        client.wait(pace_.next());
        return false;
    }
    if (!source_->ready()) {
        client.wait(TimePoint::max(), source_->descriptor());
        return false;
    }
    return true;
}

// A message that was rejected twice is in a dead-letter file twice. Of two copies in flight the
// consumer answers the newer one only, so the second waits until the first has its outcome.
void Run::await_same_id(PipelinedClient& client, std::string_view id) {
    if (!options_.replay) {
        return;
    }
    std::string key(id);
    if (open_ids_.contains(key)) {
        client.flush();
    }
    open_ids_.insert(std::move(key));
}

std::optional<Item> Run::next_item() {
    auto next = source_->next();
    if (const auto* const item = std::get_if<Item>(&next)) {
        return *item;
    }
    if (const auto* const skipped = std::get_if<Skipped>(&next)) {
        progress_.skipped();
        report(skipped->name, skipped->reason);
    } else {
        ended_ = true;
    }
    return std::nullopt;
}

void Run::settle(std::uint64_t number, std::string_view id, const PushResult& result) {
    progress_.settled(result, source_->share_done());
    if (!open_ids_.empty()) {
        open_ids_.erase(std::string(id));
    }
    if (result) {
        ++acknowledged_;
        log_.acknowledged(id, *result);
    } else if (result.error().kind == PushFailure::Kind::kNotSent) {
        ended_ = true;  // it was never on its way: no message of this run is open
    } else if (result.error().kind == PushFailure::Kind::kBarred) {
        barred_ = result.error().reason;  // said once for all, at the end
        ++lost_;
        ended_ = true;
    } else {
        const auto& failure = result.error();
        report(fmt::format("{} (id {})", source_->name(number), id), failure.reason);
        if (failure.kind == PushFailure::Kind::kRefused) {
            log_.refused(id, failure);
        } else {
            ended_ = true;
        }
    }
}

void Run::report(const std::string& name, const std::string& reason) {
    ++lost_;
    spdlog::error("{} was not acknowledged: {}", name, reason);
}

}  // namespace blocky
