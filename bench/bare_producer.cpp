// The producer as bare libzmq would do it, and the probe that times round trips at both consumers.
//
// REQ with one message in flight, or DEALER with --in-flight of them, each a JSON object that
// blocky-consumer understands as well. With --samples FILE it writes on SIGTERM when each reply
// came and how long it took, one round trip a line, in nanoseconds of the monotonic clock.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bare.hpp"

namespace {

using bare::must;
using bare::now_ns;

volatile std::sig_atomic_t stopped = 0;

struct Options {
    std::string connect;
    std::string name = "p-1";
    std::string samples;      // file for the round trips; only with one in flight
    int in_flight = 1;        // 1: REQ, more: DEALER
    bool ids = false;         // every message has an id of its own
    std::size_t bytes = 0;    // a body has at least so many
    int high_water_mark = 0;  // 0: as libzmq has it
};

Options parse(bare::Arguments arguments) {
    Options options;
    while (arguments.next()) {
        if (arguments.is("--connect")) {
            options.connect = arguments.text();
        } else if (arguments.is("--name")) {
            options.name = arguments.text();
        } else if (arguments.is("--samples")) {
            options.samples = arguments.text();
        } else if (arguments.is("--in-flight")) {
            options.in_flight = arguments.number();
        } else if (arguments.is("--ids")) {
            options.ids = true;
        } else if (arguments.is("--bytes")) {
            options.bytes = static_cast<std::size_t>(arguments.number());
        } else if (arguments.is("--hwm")) {
            options.high_water_mark = arguments.number();
        } else {
            arguments.refuse();
        }
    }
    return options;
}

// {"producer":"p-17","seq":42,"value":42}, with an id before and padding behind if asked for.
class Body {
public:
    explicit Body(const Options& options)
        : head_(R"({"producer":")" + options.name +
                (options.ids ? R"(","id":")" + options.name + ":" : R"(","seq":)")),
          ids_(options.ids),
          bytes_(options.bytes) {}

    const std::string& next() {
        ++sequence_;
        text_ = head_;
        append_sequence();
        if (ids_) {
            text_ += R"(","seq":)";
            append_sequence();
        }
        text_ += R"(,"value":)";
        append_sequence();
        if (bytes_ > text_.size() + kPad.size() + 2) {
            text_ += kPad;
            text_.append(bytes_ - text_.size() - 2, 'x');
            text_ += '"';
        }
        text_ += '}';
        return text_;
    }

private:
    static constexpr std::string_view kPad = R"(,"pad":")";

    void append_sequence() {
        std::array<char, 20> digits{};
        auto* const end =
            std::to_chars(digits.data(), digits.data() + digits.size(), sequence_).ptr;
        text_.append(digits.data(), end);
    }

    std::string head_;
    bool ids_;
    std::size_t bytes_;
    std::uint64_t sequence_ = 0;
    std::string text_;
};

struct RoundTrip {
    std::int64_t replied_at_ns;
    std::int64_t took_ns;
};

void write(const std::vector<RoundTrip>& round_trips, const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    must(file == nullptr ? -1 : 0, "samples");
    for (const auto& [replied_at, took] : round_trips) {
        std::fprintf(file, "%lld %lld\n", static_cast<long long>(replied_at),
                     static_cast<long long>(took));
    }
    must(std::fclose(file), "samples");
}

// False when a signal came.
bool receive(void* socket, int flags) {
    zmq_msg_t frame{};
    zmq_msg_init(&frame);
    int result = 0;
    do {
        result = zmq_msg_recv(&frame, socket, flags);
    } while (result >= 0 && zmq_msg_more(&frame) != 0);
    const bool nothing = result < 0 && (zmq_errno() == EAGAIN || zmq_errno() == EINTR);
    must(nothing ? 0 : result, "receive");
    zmq_msg_close(&frame);
    return result >= 0;
}

void push_in_lock_step(void* socket, const Options& options) {
    Body body(options);
    std::vector<RoundTrip> round_trips;
    const bool timed = !options.samples.empty();
    while (stopped == 0) {
        const auto& text = body.next();
        const auto start = timed ? now_ns() : 0;
        must(zmq_send(socket, text.data(), text.size(), 0), "send");
        if (receive(socket, 0) && timed) {
            const auto end = now_ns();
            round_trips.push_back({end, end - start});
        }
    }
    if (timed) {
        write(round_trips, options.samples);
    }
}

void send_enveloped(void* socket, const std::string& text) {
    must(zmq_send(socket, "", 0, ZMQ_SNDMORE), "send");
    must(zmq_send(socket, text.data(), text.size(), 0), "send");
}

void push_pipelined(void* socket, const Options& options) {
    Body body(options);
    int in_flight = 0;
    while (stopped == 0) {
        for (; in_flight < options.in_flight; ++in_flight) {
            send_enveloped(socket, body.next());
        }
        for (int flags = 0; receive(socket, flags); flags = ZMQ_DONTWAIT) {
            --in_flight;
        }
    }
}

void* connected(void* context, const Options& options) {
    void* const socket = zmq_socket(context, options.in_flight > 1 ? ZMQ_DEALER : ZMQ_REQ);
    if (options.high_water_mark > 0) {
        const int mark = options.high_water_mark;
        must(zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof mark), "high-water mark");
        must(zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark), "high-water mark");
    }
    must(zmq_connect(socket, options.connect.c_str()), "connect");
    return socket;
}

// Without SA_RESTART, so that a receive which waits comes back.
void stop_on_sigterm() {
    struct sigaction action {};
    action.sa_handler = [](int) { stopped = 1; };
    must(sigaction(SIGTERM, &action, nullptr), "sigaction");
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse(bare::Arguments(argc, argv));
    stop_on_sigterm();
    void* const socket = connected(zmq_ctx_new(), options);
    options.in_flight > 1 ? push_pipelined(socket, options) : push_in_lock_step(socket, options);
    std::_Exit(EXIT_SUCCESS);  // what is still in flight does not matter any more
}
