// blocky-consumer: reads the options, makes what they ask for, and lets the router run.
#include <malloc.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <zmq.hpp>

#include "common/command_line.hpp"
#include "common/curve_options.hpp"
#include "common/endpoint.hpp"
#include "common/logging.hpp"
#include "common/signals.hpp"
#include "consumer/authenticator.hpp"
#include "consumer/batch_log.hpp"
#include "consumer/cpu_list.hpp"
#include "consumer/dead_letter.hpp"
#include "consumer/ipc_lock.hpp"
#include "consumer/onlookers.hpp"
#include "consumer/options.hpp"
#include "consumer/passed_sockets.hpp"
#include "consumer/router.hpp"
#include "consumer/service_environment.hpp"
#include "consumer/sinks/make_sink.hpp"
#include "consumer/worker.hpp"

namespace blocky {
namespace {

constexpr const char* kProgram = "blocky-consumer";

// A connection is a descriptor; at the limit a ROUTER spins and accepts nobody.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// What a batch has freed, the next one takes again: given back to the kernel in between, every page
// of it would cost a fault. Measured with bundles of 10,000: 7.0 ms each without this, 4.9 with it.
void keep_freed_memory() {
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

// ZeroMQ names connections with rand(), which it never seeds: each run would use the same names.
void seed_connection_names() {
    unsigned seed = 0;
    if (getrandom(&seed, sizeof seed, 0) == sizeof seed) {
        std::srand(seed);
    }
}

// Tells apart what two runs log and store, for batch numbers start anew with each.
std::string random_run_id() {
    return fmt::format("{:08x}{:08x}", randombytes_random(), randombytes_random());
}

std::vector<IpcLock> lock_ipc_endpoints(const std::vector<std::string>& endpoints) {
    std::vector<IpcLock> locks;
    for (const auto& endpoint : endpoints) {
        const auto file = socket_file(endpoint);
        if (file.empty()) {
            continue;
        }
        // ZeroMQ removes whatever has that name to make its socket.
        const auto type = std::filesystem::symlink_status(file).type();
        if (type != std::filesystem::file_type::not_found &&
            type != std::filesystem::file_type::socket) {
            throw std::runtime_error(
                fmt::format("cannot bind {}: it is there already, and is no socket", endpoint));
        }
        try {
            locks.emplace_back(file);
        } catch (const std::runtime_error& error) {
            throw std::runtime_error(fmt::format("cannot bind {}: {}", endpoint, error.what()));
        }
    }
    return locks;
}

// Before any thread is started: all inherit it.
void settle_on(const std::vector<unsigned>& cpus) {
    try {
        run_on(cpus);
    } catch (const std::system_error& error) {
        throw UsageError(fmt::format(
            "--cpus: got processors that this program cannot run on ({}); accepts those that "
            "nproc(1) and taskset(1) tell of",
            error.code().message()));
    }
}

// Nothing where any key may connect, or everything is unencrypted.
void start_authenticator(std::optional<Authenticator>& authenticator, zmq::context_t& context,
                         const CurveOptions& curve) {
    if (!curve.allow_file.empty()) {
        authenticator.emplace(context, curve.allow_file, curve.allow);
        spdlog::info("CURVE: {} keys of {} may connect; this consumer's public key is {}",
                     curve.allow.size(), curve.allow_file, curve.keys.public_key);
    } else if (!curve.secret_key_file.empty()) {
        spdlog::warn(
            "CURVE: any key may connect, for there is no --curve-allow; this consumer's public key "
            "is {}",
            curve.keys.public_key);
    }
}

RouterOptions router_options(const ConsumerOptions& options, const ServiceEnvironment& service,
                             const Onlookers& onlookers, Authenticator* authenticator) {
    RouterOptions router;
    router.passed = service.sockets;
    router.wake_at_least_every = onlookers.wake_at_least_every();
    router.bind = options.bind;
    router.ipc_mode = options.ipc_mode;
    if (!options.curve.secret_key_file.empty()) {
        router.curve = {options.curve.keys.secret_key, authenticator};
    }
    router.max_message_bytes = options.max_message_bytes;
    router.batcher = options.batcher;
    router.batches = options.batches;
    return router;
}

// A --bind that was not given is no wish.
void listen_on_passed(ConsumerOptions& options, const ServiceEnvironment& service) {
    if (!service.sockets.empty()) {
        const auto wanted = options.bind_given ? options.bind : std::vector<std::string>{};
        options.bind = with_passed(wanted, service.sockets);
        check_exposure(options);
    }
}

int serve(const ConsumerOptions& options, const ServiceEnvironment& service) {
    if (options.cpus) {
        settle_on(*options.cpus);
    }
    // Before the sink, whose library may start threads: none of them may be struck by a signal.
    // A stop need not wait until it is open, however long servers take: nothing is held yet, and
    // what opens must outlast a kill anyway.
    StopSignal stop(Hangup::kTaken, FirstStop::kAtOnce);
    Onlookers onlookers(options, service);
    const auto run = random_run_id();
    auto sink_options = options.sink;
    sink_options.run = run;
    const auto sink = make_sink(sink_options);
    std::optional<DeadLetter> dead_letter;
    if (options.dead_letter) {
        dead_letter.emplace(*options.dead_letter, run);
    }
    stop.tell();
    const auto locks = lock_ipc_endpoints(options.bind);
    zmq::context_t context;
    Worker worker(*sink, options.retry, dead_letter ? &*dead_letter : nullptr,
                  &onlookers.sink_activity());
    BatchLog log(STDOUT_FILENO, options.log, run);
    bool finished = false;
    {
        std::optional<Authenticator> authenticator;
        start_authenticator(authenticator, context, options.curve);
        Router router(
            context,
            router_options(options, service, onlookers, authenticator ? &*authenticator : nullptr),
            *sink, worker, log, stop);
        for (const auto& endpoint : router.endpoints()) {
            print_to_stderr(fmt::format("{} run={} listening on {}", kProgram, run, endpoint));
        }
        onlookers.follow(router, run);
        finished = router.run();
        print_to_stderr(fmt::format("{}: {}", kProgram,
                                    closing_summary(router.metrics(), log.lines_dropped())));
    }
    onlookers.end();
    if (!finished) {
        context.close();  // sends what is still to be sent
        // The worker sits in a call to the sink that may never return, so nothing can be waited
        // for.
        std::_Exit(EXIT_FAILURE);
    }
    return EXIT_SUCCESS;
}

}  // namespace
}  // namespace blocky

int main(int argc, char** argv) {
    try {
        blocky::set_up_logging(blocky::kProgram);
        if (sodium_init() < 0) {
            throw std::runtime_error("libsodium cannot be initialised");
        }
        blocky::keep_freed_memory();
        blocky::raise_descriptor_limit();
        blocky::seed_connection_names();
        const auto service = blocky::take_service_environment();
        auto options = blocky::parse_consumer_options(argc, argv);
        if (!options) {
            return EXIT_SUCCESS;
        }
        if (options->generate_key) {
            blocky::generate_key(*options->generate_key);
            return EXIT_SUCCESS;
        }
        blocky::listen_on_passed(*options, service);
        return blocky::serve(*options, service);
    } catch (const blocky::UsageError& error) {
        blocky::print_to_stderr(fmt::format("{}: {}", blocky::kProgram, error.what()));
        return 2;
    } catch (const std::exception& error) {
        blocky::print_to_stderr(fmt::format("{}: {}", blocky::kProgram, error.what()));
        return EXIT_FAILURE;
    }
}
