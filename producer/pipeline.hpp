// What a pipelined client knows and decides: which messages go in which request, what each reply
// means for them, and what is sent again and when. Free of sockets and of the clock: every call is
// told the time, and calls back with the outcomes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/backoff.hpp"
#include "producer/push.hpp"
#include "producer/window.hpp"

namespace blocky {

inline constexpr std::size_t kMaxInFlight = 100'000;
inline constexpr std::size_t kMaxInFlightBytes = std::size_t{64} << 20U;

struct PipelineOptions {
    ClientOptions client;
    // At most so many messages without an outcome, 1 to kMaxInFlight.
    std::size_t in_flight = 1000;
    // At most so many bytes of their JSON text; one message is always taken. The memory used is
    // about two times that: the client's own copy, and the request in ZeroMQ.
    std::size_t in_flight_bytes = kMaxInFlightBytes;
    // Up to so many messages travel as one request, 1 to kMaxBundle. None waits for others.
    std::size_t bundle = 1;
};

class Pipeline {
public:
    // `options` must outlive it. `seed` should be random: see Window and Backoff.
    Pipeline(const PipelineOptions& options, std::uint64_t seed);

    bool has_room() const;
    std::size_t size() const { return window_.size(); }   // messages without an outcome
    std::uint64_t outcomes() const { return outcomes_; }  // handed out so far

    // Takes a message for which has_room(); one that is too large gets its outcome at once.
    // `producer`: of this message alone, where the client has no name.
    void push(std::string_view value, std::string_view id, PushCallback callback, TimePoint now,
              std::string_view producer = {});

    // The next request that may go, of at least `enough` messages; nullptr when there is none.
    // Counts as sent, and is valid until the next call. May go: not while a consumer is busy.
    const OpenRequest* next_request(std::size_t enough, TimePoint now);
    std::size_t bytes_of(const OpenRequest& request) const;
    void write(const OpenRequest& request, char* to) const;

    // A reply to the request with that tag, if there is one.
    void take_reply(std::uint64_t tag, std::string_view body, TimePoint now);
    // All that was sent is unanswered, and goes again, in order.
    void put_back_sent();

    // Gives up what is too old, and ends the pauses that are over.
    void expire(TimePoint now);
    // Nothing goes out any more: fails what is not on its way, or, with `over`, all.
    void stop(bool over);
    // Fails all: no consumer lets this client in.
    void bar(const std::string& why);
    // Whether a request has had no reply for the whole timeout.
    bool is_silent(TimePoint now);
    // Whether the consumer shuts down and has answered everything, so that it can be left for
    // another one.
    bool is_left() const { return leaving_ && window_.requests() == 0; }
    // What is paused or held back may go to the next consumer at once.
    void arrive(TimePoint now);

    // When one of these has something to do; TimePoint::max(): not as things are.
    TimePoint due() const;

    // The latest reason why a message is not acknowledged yet.
    void set_trouble(std::string trouble) { trouble_ = std::move(trouble); }
    const std::string& trouble() const { return trouble_; }

private:
    void take_single(OpenMessage& message, std::string_view body);
    void take_bundle(const OpenRequest& request, std::string_view body);
    void take_uniform(const OpenRequest& request, const ReceivedReply& reply);
    void take_mixed(const OpenRequest& request, const ReceivedBundleReply& reply);
    void take_refused(const OpenRequest& request, const ReceivedReply& reply);
    bool repeats_last_ok(const OpenMessage& message, std::string_view body) const;
    void judge(OpenMessage& message, const ReceivedReply& reply, std::string_view body);
    void not_understood(const OpenRequest& request, std::string_view body);
    void not_understood(OpenMessage& message, std::string_view body);
    void retry(OpenMessage& message, const ReceivedReply& reply);
    void pause(OpenMessage& message, Duration delay);
    Duration next_delay();
    void acknowledge(OpenMessage& message);
    void fail(OpenMessage& message, PushFailure failure);
    void give_up_late();

    const PipelineOptions& options_;
    RequestText text_;
    Window window_;
    Backoff backoff_;
    std::string trouble_ = "no connection";
    PushResult outcome_;        // the acknowledgement being handed out; its storage is reused
    std::string last_ok_tail_;  // what followed the id in the ok that outcome_ is from
    std::uint64_t outcomes_ = 0;

    TimePoint now_;
    // Nothing of the kind is due before these; what is exactly is looked up then.
    TimePoint check_timeout_at_ = TimePoint::max();
    TimePoint check_give_up_at_ = TimePoint::max();
    TimePoint resume_at_ = TimePoint::max();  // of what is paused, and of what is held back
    bool holding_back_ = false;               // the consumer is busy or shutting down
    bool leaving_ = false;                    // for another consumer, once nothing is in flight
    TimePoint warned_at_ = TimePoint::min();  // of a reply that is not understood
};

}  // namespace blocky
