// blocky-producer: takes messages from a source, pushes one after the other, and says what became
// of each.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <zmq.hpp>

#include "common/command_line.hpp"
#include "common/logging.hpp"
#include "common/signals.hpp"
#include "producer/client.hpp"
#include "producer/options.hpp"
#include "producer/progress.hpp"
#include "producer/reply_log.hpp"
#include "producer/source.hpp"

namespace blocky {
namespace {

constexpr const char* kProgram = "blocky-producer";
constexpr int kUsageError = 2;
constexpr int kNotAcknowledged = 3;

// Tells this process's ids from those of any other with the same name, before or after it.
std::string random_session() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

// Spaces messages evenly, without a burst after a wait for a reply.
class Pace {
public:
    explicit Pace(std::optional<double> rate) {
        if (rate) {
            spacing_ =
                std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 / *rate));
        }
    }

    // Waits for the next message's turn; false when the program is to stop.
    bool wait(const StopSignal& stop) {
        for (auto now = Clock::now(); !stop.requested() && now < next_; now = Clock::now()) {
            pollfd item{stop.descriptor(), POLLIN, 0};
            const auto seconds = std::chrono::floor<std::chrono::seconds>(next_ - now);
            const timespec left{seconds.count(), (next_ - now - seconds).count()};
            ppoll(&item, 1, &left, nullptr);
        }
        // What a late wake-up has cost is caught up, what waiting for replies has cost is not.
        next_ = std::max(next_ + spacing_, Clock::now() - kLatestWakeUp);
        return !stop.requested();
    }

private:
    static constexpr Duration kLatestWakeUp = std::chrono::milliseconds(5);

    Duration spacing_{0};
    TimePoint next_ = Clock::now();
};

int open_input(const std::string& path) {
    if (path == "-") {
        return STDIN_FILENO;
    }
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw UsageError(
            fmt::format("--input: got \"{}\" ({}); accepts the path of a readable file, or - for "
                        "stdin",
                        path, std::generic_category().message(errno)));
    }
    return descriptor;
}

std::unique_ptr<Source> make_source(const ProducerOptions& options, const StopSignal& stop) {
    const auto id_prefix = fmt::format("{}:{}:", options.client.name, random_session());
    if (!options.input) {
        return std::make_unique<CounterSource>(id_prefix);
    }
    return std::make_unique<LineSource>(
        LineSourceOptions{open_input(*options.input), options.raw, options.id_field, id_prefix,
                          options.client.max_message_bytes, stop.descriptor()});
}

// One run: from the first message to the last.
class Run {
public:
    Run(const ProducerOptions& options, const StopSignal& stop)
        : options_(options),
          stop_(stop),
          source_(make_source(options, stop)),
          client_(context_, client_options(options, stop)),
          log_(options.log, stop.descriptor()),
          progress_(options.log != ReplyFormat::kQuiet),
          pace_(options.rate) {}

    // The exit status.
    int operator()() {
        while (!done() && pace_.wait(stop_)) {
            auto next = source_->next();
            if (const auto* const item = std::get_if<Item>(&next)) {
                push(*item);
            } else if (const auto* const skipped = std::get_if<Skipped>(&next)) {
                report(skipped->name, skipped->reason);
            } else {
                break;
            }
            progress_.update(acknowledged_, share_done());
        }
        return lost_ == 0 ? EXIT_SUCCESS : kNotAcknowledged;
    }

private:
    static ClientOptions client_options(const ProducerOptions& options, const StopSignal& stop) {
        auto client = options.client;
        client.stop_descriptor = stop.descriptor();
        return client;
    }

    bool done() const { return ended_ || (options_.count && acknowledged_ >= *options_.count); }

    void push(const Item& item) {
        const auto result = client_.push(item.value, item.id);
        if (result) {
            ++acknowledged_;
            log_.acknowledged(item.id, *result);
            return;
        }
        const auto& failure = result.error();
        if (failure.kind == PushFailure::Kind::kNotSent) {
            ended_ = true;  // it was never on its way: no message of this run is open
            return;
        }
        report(fmt::format("{} (id {})", item.name, item.id), failure.reason);
        if (failure.kind == PushFailure::Kind::kRefused) {
            log_.refused(item.id, failure);
        } else {
            ended_ = true;
        }
    }

    void report(const std::string& name, const std::string& reason) {
        ++lost_;
        spdlog::error("{} was not acknowledged: {}", name, reason);
    }

    std::optional<double> share_done() const {
        if (options_.count) {
            return static_cast<double>(acknowledged_) / static_cast<double>(*options_.count);
        }
        return source_->share_done();
    }

    const ProducerOptions& options_;
    const StopSignal& stop_;
    zmq::context_t context_;
    std::unique_ptr<Source> source_;
    Client client_;
    ReplyLog log_;
    Progress progress_;
    Pace pace_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t lost_ = 0;
    bool ended_ = false;  // a message was given up, or the program was stopped with one in flight
};

}  // namespace
}  // namespace blocky

int main(int argc, char** argv) {
    try {
        blocky::set_up_logging(blocky::kProgram);
        const auto options = blocky::parse_producer_options(argc, argv);
        if (!options) {
            return EXIT_SUCCESS;
        }
        const blocky::StopSignal stop;
        return blocky::Run(*options, stop)();
    } catch (const blocky::UsageError& error) {
        blocky::print_to_stderr(fmt::format("{}: {}", blocky::kProgram, error.what()));
        return blocky::kUsageError;
    } catch (const std::exception& error) {
        blocky::print_to_stderr(fmt::format("{}: {}", blocky::kProgram, error.what()));
        return EXIT_FAILURE;
    }
}
