// A REP socket on ZAP's endpoint.
#include "consumer/authenticator.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/clock.hpp"

namespace blocky {
namespace {

constexpr const char* kEndpoint = "inproc://zeromq.zap.01";
constexpr std::string_view kVersion = "1.0";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMostBytes = std::size_t{16} << 20U;  // of a list: some 200,000 keys

std::string_view text(const zmq::message_t& frame) {
    return {static_cast<const char*>(frame.data()), frame.size()};
}

// The frames of one message; none when none waits.
std::vector<zmq::message_t> receive(zmq::socket_t& socket) {
    std::vector<zmq::message_t> frames;
    do {
        if (!socket.recv(frames.emplace_back(), zmq::recv_flags::dontwait)) {
            return {};
        }
    } while (frames.back().more());
    return frames;
}

zmq::socket_t bound(zmq::context_t& context) {
    zmq::socket_t socket(context, zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(kEndpoint);
    return socket;
}

}  // namespace

// Views of the frames.
struct Authenticator::Question {
    std::string_view domain;
    std::string_view address;  // of the peer
    std::string_view mechanism;
    std::string_view credentials;
};

struct Authenticator::Answer {
    std::string_view status;
    std::string_view reason;
    std::string user;
};

tl::expected<AllowList, std::string> read_allow_list(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text;
    if (file && file.peek() != std::ifstream::traits_type::eof()) {
        text.resize(kMostBytes + 1);
        file.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(file.gcount()));
    } else if (!file.is_open() || file.bad() || errno != 0) {  // a directory opens, too
        return tl::make_unexpected(
            fmt::format("it cannot be read: {}", std::generic_category().message(errno)));
    }
    if (text.size() > kMostBytes) {
        return tl::make_unexpected(fmt::format("it has more than {} MiB", kMostBytes >> 20U));
    }
    auto list = AllowList::parse(text);
    if (!list) {
        return tl::make_unexpected(
            fmt::format("line {}: {}", list.error().line, list.error().what));
    }
    return std::move(*list);
}

Authenticator::Authenticator(zmq::context_t& context, std::string path, AllowList list)
    : path_(std::move(path)) {
    put_up(std::move(list));
    // Bound when this returns; handed over to the one thread that uses it.
    thread_ = std::thread([this, socket = bound(context)]() mutable { serve(socket); });
}

Authenticator::~Authenticator() {
    quit_.raise();
    thread_.join();
}

std::shared_ptr<const AllowList> Authenticator::list() const {
    const std::lock_guard lock(mutex_);
    return list_;
}

void Authenticator::put_up(AllowList list) {
    auto shared = std::make_shared<const AllowList>(std::move(list));
    const std::lock_guard lock(mutex_);
    list_ = std::move(shared);
    ++version_;
}

void Authenticator::serve(zmq::socket_t& socket) {
    std::array<pollfd, 3> items{{{socket.get(zmq::sockopt::fd), POLLIN, 0},
                                 {reload_.get(), POLLIN, 0},
                                 {quit_.get(), POLLIN, 0}}};
    while (items[2].revents == 0) {
        answer_all(socket);
        poll(items.data(), items.size(), -1);
        if (items[1].revents != 0) {
            reload_.lower();
            read_again();
        }
    }
}

// ZMQ_FD tells only once, zmq_getsockopt(3): all is answered before it is waited on.
void Authenticator::answer_all(zmq::socket_t& socket) {
    constexpr auto kMore = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    while (true) {
        const auto frames = receive(socket);
        if (frames.empty()) {
            return;
        }
        Answer reply{"500", "this is not ZAP", {}};
        if (frames.size() >= 6 && text(frames[0]) == kVersion) {
            reply = answer({text(frames[2]), text(frames[3]), text(frames[5]),
                            frames.size() > 6 ? text(frames[6]) : std::string_view()});
        }
        // To a connection that has gone meanwhile it goes nowhere.
        socket.send(zmq::buffer(kVersion), kMore);
        socket.send(zmq::buffer(frames.size() > 1 ? text(frames[1]) : std::string_view()), kMore);
        socket.send(zmq::buffer(reply.status), kMore);
        socket.send(zmq::buffer(reply.reason), kMore);
        socket.send(zmq::buffer(reply.user), kMore);
        socket.send(zmq::message_t(), zmq::send_flags::dontwait);
    }
}

Authenticator::Answer Authenticator::answer(const Question& question) {
    if (question.domain == kCurveDomain && question.mechanism == "CURVE" &&
        question.credentials.size() == kKeyBytes) {
        return judge_key(question);
    }
    if (question.domain == kIpcDomain && question.mechanism == "NULL") {
        // Said aloud, for else the peer could say in its greeting what its User-Id is.
        return {"200", "OK", {}};
    }
    return {"400", "this consumer asks for another mechanism", {}};
}

Authenticator::Answer Authenticator::judge_key(const Question& question) {
    std::array<char, 41> key{};
    zmq_z85_encode(key.data(), reinterpret_cast<const std::uint8_t*>(question.credentials.data()),
                   kKeyBytes);
    if (list()->name_of(key.data())) {
        return {"200", "OK", key.data()};
    }
    if (const auto line = refused_.refused(key.data(), question.address, Clock::now())) {
        spdlog::warn("{}", *line);
    }
    return {"400", "this key is not allowed", {}};
}

void Authenticator::read_again() {
    auto read = read_allow_list(path_);
    if (!read) {
        spdlog::error("SIGHUP: {}: {}; the keys that were allowed before stay so", path_,
                      read.error());
        return;
    }
    const auto before = list();
    spdlog::info("SIGHUP: {} was read again: {} keys are allowed, {} of them new; {} no longer",
                 path_, read->size(), read->beyond(*before), before->beyond(*read));
    put_up(std::move(*read));
    refused_.forget();
}

}  // namespace blocky
