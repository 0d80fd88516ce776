// Says to ZeroMQ who may connect (ZAP, RFC 27): with CURVE whose key is in the list of
// --curve-allow, on ipc whoever the socket's mode lets in. Each connection waits for its answer, so
// that this has a thread of its own: neither does a long turn of the router keep producers out, nor
// do strangers at the door cost a batch anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <tl/expected.hpp>
#include <zmq.hpp>

#include "common/event_descriptor.hpp"
#include "consumer/allow_list.hpp"
#include "consumer/refused_keys.hpp"

namespace blocky {

// The list in that file. The error is a sentence without the path: "line 3: a key is …".
tl::expected<AllowList, std::string> read_allow_list(const std::string& path);

class Authenticator {
public:
    // Answers for all sockets of the context, which must outlive it, that name one of these as
    // their ZMQ_ZAP_DOMAIN. A message's User-Id is then the key as text, and empty on ipc.
    static constexpr const char* kCurveDomain = "blocky";
    static constexpr const char* kIpcDomain = "blocky-ipc";

    // Before anything is bound that asks. `path` is where to read `list` again. Throws
    // zmq::error_t.
    Authenticator(zmq::context_t& context, std::string path, AllowList list);
    ~Authenticator();
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;

    // Has the file read again, and returns at once. A file with a mistake changes nothing. Any
    // thread may call this and what follows.
    void reload() const { reload_.raise(); }
    std::shared_ptr<const AllowList> list() const;
    // Another number for another list.
    std::uint64_t version() const { return version_; }

private:
    struct Question;
    struct Answer;

    void serve(zmq::socket_t& socket);
    void answer_all(zmq::socket_t& socket);
    Answer answer(const Question& question);
    Answer judge_key(const Question& question);
    void read_again();
    void put_up(AllowList list);

    const std::string path_;
    mutable std::mutex mutex_;  // of the list
    std::shared_ptr<const AllowList> list_;
    std::atomic<std::uint64_t> version_{0};
    RefusedKeys refused_;  // its thread's alone
    EventDescriptor reload_;
    EventDescriptor quit_;
    std::thread thread_;
};

}  // namespace blocky
