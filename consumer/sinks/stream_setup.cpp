// Look the subject up; no stream: make it, look again.
#include "consumer/sinks/stream_setup.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/units.hpp"

namespace blocky {
namespace {

constexpr std::int64_t kRequestWaitMs = 2000;
constexpr Duration kCreatedWindow = std::chrono::hours(1);
constexpr Duration kShortWindow = std::chrono::minutes(10);

// What waiting does not change.
bool is_final(jsErrCode code) {
    constexpr std::array kFinal{JSNotEnabledErr,           JSNotEnabledForAccountErr,
                                JSStreamSubjectOverlapErr, JSStreamReplicasNotSupportedErr,
                                JSStreamInvalidConfig,     JSBadRequestErr};
    return std::ranges::find(kFinal, code) != kFinal.end();
}

// For a call that failed: an exception, or the text when it may succeed later.
std::string reason_or_throw(const std::string& what, natsStatus status, jsErrCode code) {
    auto reason = fmt::format("{}: {}", what, nats_error(status));
    if (is_final(code) || status == NATS_INVALID_ARG) {
        throw std::runtime_error(reason);
    }
    return reason;
}

// Empty when no stream keeps the subject.
tl::expected<std::string, std::string> stream_of(jsCtx* context, const std::string& subject) {
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = kRequestWaitMs;
    options.Stream.Info.SubjectsFilter = subject.c_str();
    jsStreamNamesList* list = nullptr;
    jsErrCode code{};
    const auto status = js_StreamNames(&list, context, &options, &code);
    const NatsStreamNames names(list);
    if (status == NATS_NOT_FOUND || (status == NATS_OK && (list == nullptr || list->Count == 0))) {
        return std::string();
    }
    if (status != NATS_OK) {
        return tl::make_unexpected(reason_or_throw(
            fmt::format("cannot ask JetStream which stream keeps {}", subject), status, code));
    }
    return std::string(list->List[0]);
}

std::optional<std::string> create_stream(jsCtx* context, const std::string& subject,
                                         const NatsStream& stream) {
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = 2 * kRequestWaitMs;
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    const char* subjects = subject.c_str();
    config.Name = stream.name.c_str();
    config.Subjects = &subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.Replicas = stream.replicas;
    config.Duplicates = kCreatedWindow.count();
    jsErrCode code{};
    const auto status = js_AddStream(nullptr, context, &config, &options, &code);
    if (status != NATS_OK) {
        const auto what = fmt::format("cannot make the stream {} for {} with {} replicas",
                                      stream.name, subject, stream.replicas);
        if (code == JSStreamNameExistErr) {
            throw std::runtime_error(fmt::format(
                "{}: there is a stream of that name, which does not keep {}", what, subject));
        }
        return reason_or_throw(what, status, code);
    }
    spdlog::info("made the stream {} for {} with {} replicas", stream.name, subject,
                 stream.replicas);
    return std::nullopt;
}

void check(const jsStreamConfig& config, const std::string& subject,
           const std::optional<NatsStream>& create) {
    if (create && create->name != config.Name) {
        throw std::runtime_error(
            fmt::format("--nats-create: the stream {} keeps {} already, so {} cannot", config.Name,
                        subject, create->name));
    }
    if (config.NoAck) {
        throw std::runtime_error(
            fmt::format("the stream {} acknowledges nothing (no_ack), so nobody could be told `ok`",
                        config.Name));
    }
}

void say(const jsStreamConfig& config, const std::string& subject,
         const std::optional<NatsStream>& create) {
    const Duration window(config.Duplicates);
    spdlog::info("the stream {} keeps {} in {} replicas; its duplicate window is {}", config.Name,
                 subject, config.Replicas, describe(window));
    if (window < kShortWindow) {
        spdlog::warn(
            "the stream {} forgets an id after {}: what a producer sends again after "
            "longer than that, as when this program was down meanwhile, is stored twice; "
            "10 m or more are better (nats stream edit --dupe-window)",
            config.Name, describe(window));
    }
    if (config.Storage == js_MemoryStorage) {
        spdlog::warn("the stream {} is in memory only: `ok` does not outlast its servers",
                     config.Name);
    }
    if (create && create->replicas != config.Replicas) {
        spdlog::warn("--nats-create: the stream {} was there already, with {} replicas and not {}",
                     config.Name, config.Replicas, create->replicas);
    }
}

}  // namespace

tl::expected<StreamTraits, std::string> set_up_stream(natsConnection* connection, jsCtx* context,
                                                      const std::string& subject,
                                                      const std::optional<NatsStream>& create) {
    auto name = stream_of(context, subject);
    if (name && name->empty() && create) {
        if (auto reason = create_stream(context, subject, *create)) {
            return tl::make_unexpected(std::move(*reason));
        }
        name = create->name;
    }
    if (!name) {
        return tl::make_unexpected(std::move(name.error()));
    }
    if (name->empty()) {
        throw std::runtime_error(fmt::format(
            "no stream keeps the subject {}; --nats-create STREAM:REPLICAS makes one", subject));
    }
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = kRequestWaitMs;
    jsStreamInfo* found = nullptr;
    jsErrCode code{};
    const auto status = js_GetStreamInfo(&found, context, name->c_str(), &options, &code);
    const NatsStreamInfo info(found);
    if (status != NATS_OK) {
        return tl::make_unexpected(
            reason_or_throw(fmt::format("the stream {} does not answer", *name), status, code));
    }
    check(*info->Config, subject, create);
    say(*info->Config, subject, create);
    auto most = static_cast<std::uint64_t>(natsConnection_GetMaxPayload(connection));
    if (info->Config->MaxMsgSize > 0) {
        most = std::min(most, static_cast<std::uint64_t>(info->Config->MaxMsgSize));
    }
    return StreamTraits{*name, Duration(info->Config->Duplicates), info->State.LastSeq, most};
}

}  // namespace blocky
