// js_PublishMsgAsync() and its acknowledgements, and JetStream's API for reading back. Measured on
// three servers: a node that is killed costs 2.5 to 6 s, in which nothing is acknowledged.
#include "consumer/sinks/jetstream_connection.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "common/signals.hpp"
#include "consumer/sinks/nats_handles.hpp"
#include "consumer/sinks/pub_acks.hpp"
#include "consumer/sinks/stream_message.hpp"
#include "consumer/sinks/stream_reader.hpp"
#include "consumer/sinks/stream_setup.hpp"

namespace blocky {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kPatience = seconds(15);  // for the stream at start
constexpr auto kTryAgainAfter = milliseconds(200);
constexpr milliseconds kAckWait = seconds(5);  // for a publication's acknowledgement
constexpr milliseconds kRequestWait = seconds(5);
constexpr std::int64_t kMostInFlight = 4096;  // publications without their acknowledgement

// What a server says unasked, such as that a subject is not permitted. In a thread of the library,
// which would write to stderr itself.
void on_error(natsConnection* connection, natsSubscription* /*subscription*/, natsStatus status,
              void* /*closure*/) {
    const char* text = nullptr;
    natsConnection_GetLastError(connection, &text);
    spdlog::warn("NATS: {}", without_source_position(text != nullptr && *text != '\0'
                                                         ? text
                                                         : natsStatus_GetText(status)));
}

std::string servers_of(const NatsTarget& target) {
    return without_credentials(fmt::format("{}", fmt::join(target.urls, ",")));
}

NatsOptions connection_options(const NatsTarget& target) {
    natsOptions* made = nullptr;
    if (natsOptions_Create(&made) != NATS_OK) {
        throw std::bad_alloc();
    }
    NatsOptions options(made);
    std::vector<const char*> urls;
    for (const auto& url : target.urls) {
        urls.push_back(url.c_str());
    }
    const auto status = natsOptions_SetServers(made, urls.data(), static_cast<int>(urls.size()));
    if (status != NATS_OK) {
        throw std::runtime_error(
            fmt::format("cannot use {}: {}", servers_of(target), nats_error(status)));
    }
    natsOptions_SetName(made, "blocky-consumer");
    natsOptions_SetTimeout(made, 2000);
    natsOptions_SetMaxReconnect(made, -1);
    natsOptions_SetReconnectWait(made, 250);
    // A server that is there and says nothing is left after six seconds.
    natsOptions_SetPingInterval(made, 2000);
    natsOptions_SetMaxPingsOut(made, 2);
    natsOptions_SetWriteDeadline(made, kAckWait.count());
    natsOptions_SetErrorHandler(made, on_error, nullptr);
    return options;
}

// What the acknowledgement handler is given.
struct Answers {
    std::string stream;
    PubAcks acks;
};

PubAck unanswered(const Answers& answers, natsStatus status, std::string_view text) {
    PubAck ack;
    if (status == NATS_NO_RESPONDERS) {
        ack.reason = fmt::format(
            "nobody takes messages for the stream {}: it has no leader at the moment, or is gone",
            answers.stream);
    } else if (status == NATS_TIMEOUT) {
        ack.reason = fmt::format(
            "the stream {} did not acknowledge within {} s: is a majority of its replicas there?",
            answers.stream, kAckWait / seconds(1));
    } else {
        ack.reason = fmt::format("publishing to the stream {} failed: {}", answers.stream, text);
    }
    return ack;
}

PubAck to_ack(const Answers& answers, const jsPubAck* ack, const jsPubAckErr* error) {
    if (ack != nullptr) {
        return {
            ack->Duplicate ? PubAck::Kind::kDuplicate : PubAck::Kind::kStored, ack->Sequence, {}};
    }
    const auto text =
        without_source_position(error->ErrText != nullptr ? error->ErrText : "no reason given");
    if (error->ErrCode == JSStreamMessageExceedsMaximumErr) {
        return {PubAck::Kind::kRefused, 0,
                fmt::format("the stream {} takes no message as large as this: {}", answers.stream,
                            text)};
    }
    return unanswered(answers, error->Err, text);
}

// In a thread of the library. The message is ours, the rest is not.
void on_ack(jsCtx* /*context*/, natsMsg* message, jsPubAck* ack, jsPubAckErr* error,
            void* closure) {
    const NatsMessage owner(message);
    auto& answers = *static_cast<Answers*>(closure);
    const char* id = nullptr;
    if (natsMsgHeader_Get(message, kMsgIdHeader, &id) == NATS_OK) {
        answers.acks.note(id, to_ack(answers, ack, error));
    }
}

class JetStreamConnection : public JetStream {
public:
    JetStreamConnection(const NatsTarget& target, const std::string& run)
        : target_(target), run_(run), answers_(std::make_shared<Answers>()) {}

    ~JetStreamConnection() override {
        context_.reset();
        connection_.reset();
        nats_CloseAndWait(kRequestWait.count());
    }
    JetStreamConnection(const JetStreamConnection&) = delete;
    JetStreamConnection& operator=(const JetStreamConnection&) = delete;

    const StreamTraits& traits() const override { return traits_; }

    void open(const std::optional<NatsStream>& create) {
        const auto deadline = Clock::now() + kPatience;
        while (true) {
            const auto trouble = try_to_open(create);
            if (!trouble) {
                return;
            }
            if (Clock::now() > deadline) {
                throw std::runtime_error(fmt::format("{} ({}), after trying for {} s", *trouble,
                                                     servers_of(target_), kPatience / seconds(1)));
            }
            std::this_thread::sleep_for(kTryAgainAfter);
        }
    }

    std::optional<std::string> trouble() override {
        // A server that refuses us twice ends even a connection that would reconnect for ever.
        if (!connection_ || natsConnection_Status(connection_.get()) == NATS_CONN_STATUS_CLOSED) {
            return connect();
        }
        if (natsConnection_Status(connection_.get()) != NATS_CONN_STATUS_CONNECTED) {
            return fmt::format("no server of {} answers", servers_of(target_));
        }
        return std::nullopt;
    }

    std::vector<PubAck> publish(const std::vector<Publication>& publications) override {
        auto& acks = answers_->acks;
        acks.expect(publications);
        std::size_t sent = 0;
        for (const auto& publication : publications) {
            if (acks.hopeless()) {
                break;
            }
            publish_one(publication);
            ++sent;
        }
        const bool all = acks.wait(sent, Clock::now() + kAckWait + seconds(2));
        auto result = acks.take("the NATS library gave no answer");
        if (!all) {
            start_afresh();
        }
        return result;
    }

    tl::expected<ReadBack, std::string> read_back(std::uint64_t after_sequence) override {
        return read_part(connection_.get(), traits_.name, target_.subject, after_sequence,
                         kRequestWait);
    }

private:
    std::optional<std::string> try_to_open(const std::optional<NatsStream>& create) {
        const SignalsBlocked blocked;  // the library starts threads
        if (auto reason = trouble()) {
            return reason;
        }
        auto traits = set_up_stream(connection_.get(), context_.get(), target_.subject, create);
        if (!traits) {
            return traits.error();
        }
        traits_ = std::move(*traits);
        answers_->stream = traits_.name;
        return std::nullopt;
    }

    std::optional<std::string> connect() {
        context_.reset();
        connection_.reset();
        const auto options = connection_options(target_);
        natsConnection* made = nullptr;
        const auto status = natsConnection_Connect(&made, options.get());
        connection_.reset(made);
        if (status != NATS_OK) {
            auto reason =
                fmt::format("cannot connect to {}: {}", servers_of(target_), nats_error(status));
            if (status == NATS_CONNECTION_AUTH_FAILED && traits_.name.empty()) {
                throw std::runtime_error(reason);
            }
            return reason;
        }
        return make_context();
    }

    std::optional<std::string> make_context() {
        jsOptions options;
        jsOptions_Init(&options);
        options.Wait = kRequestWait.count();
        options.PublishAsync.MaxPending = kMostInFlight;
        options.PublishAsync.StallWait = kAckWait.count();
        options.PublishAsync.AckHandler = on_ack;
        options.PublishAsync.AckHandlerClosure = answers_.get();
        jsCtx* made = nullptr;
        const auto status = natsConnection_JetStream(&made, connection_.get(), &options);
        context_.reset(made);
        return status == NATS_OK ? std::nullopt : std::optional(nats_error(status));
    }

    // An answer that is still to come would be taken for that to a later try: nobody will hear it.
    void start_afresh() {
        context_.reset();
        connection_.reset();
        retired_.push_back(std::exchange(answers_, std::make_shared<Answers>()));
        answers_->stream = traits_.name;
    }

    void publish_one(const Publication& publication) {
        natsMsg* made = nullptr;
        auto status =
            natsMsg_Create(&made, target_.subject.c_str(), nullptr, publication.value.data(),
                           static_cast<int>(publication.value.size()));
        if (status == NATS_OK) {
            status = set_headers(made, publication);
        }
        if (status == NATS_OK) {
            jsPubOptions options;
            jsPubOptions_Init(&options);
            options.MaxWait = kAckWait.count();
            options.MsgId = publication.id.c_str();
            options.ExpectStream = traits_.name.c_str();
            status = js_PublishMsgAsync(context_.get(), &made, &options);
        }
        const NatsMessage not_taken(made);
        if (status == NATS_MAX_PAYLOAD) {
            answers_->acks.note(publication.id,
                                {PubAck::Kind::kRefused, 0,
                                 fmt::format("the servers of the stream {} take no message as "
                                             "large as this (max_payload)",
                                             traits_.name)});
        } else if (status != NATS_OK) {
            answers_->acks.note(publication.id, unanswered(*answers_, status, nats_error(status)));
        }
    }

    natsStatus set_headers(natsMsg* message, const Publication& publication) const {
        const std::string producer(publication.producer);
        const auto batch = std::to_string(publication.batch);
        const std::array<std::pair<const char*, const char*>, 4> headers{
            {{"Blocky-Producer", producer.empty() ? nullptr : producer.c_str()},
             {"Blocky-Run", run_.c_str()},
             {"Blocky-Batch", batch.c_str()},
             {"Blocky-Received-At", publication.received_at.c_str()}}};
        for (const auto& [name, value] : headers) {
            const auto status =
                value == nullptr ? NATS_OK : natsMsgHeader_Set(message, name, value);
            if (status != NATS_OK) {
                return status;
            }
        }
        return NATS_OK;
    }

    NatsTarget target_;
    std::string run_;
    StreamTraits traits_;
    std::shared_ptr<Answers> answers_;
    std::vector<std::shared_ptr<Answers>> retired_;  // that a late answer may still be given to
    NatsConnection connection_;
    NatsContext context_;
};

}  // namespace

std::unique_ptr<JetStream> open_jetstream(const NatsTarget& target, const std::string& run,
                                          const std::optional<NatsStream>& create) {
    auto connection = std::make_unique<JetStreamConnection>(target, run);
    connection->open(create);
    return connection;
}

}  // namespace blocky
