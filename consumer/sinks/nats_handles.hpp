// Owners for what the NATS library (libnats, C) hands out, and its words for what went wrong.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

#include "consumer/sinks/nats_text.hpp"

namespace blocky {

template <auto Destroy>
struct NatsDestroy {
    template <typename Thing>
    void operator()(Thing* thing) const {
        Destroy(thing);
    }
};

using NatsOptions = std::unique_ptr<natsOptions, NatsDestroy<natsOptions_Destroy>>;
using NatsConnection = std::unique_ptr<natsConnection, NatsDestroy<natsConnection_Destroy>>;
using NatsContext = std::unique_ptr<jsCtx, NatsDestroy<jsCtx_Destroy>>;
using NatsInbox = std::unique_ptr<natsInbox, NatsDestroy<natsInbox_Destroy>>;
using NatsMessage = std::unique_ptr<natsMsg, NatsDestroy<natsMsg_Destroy>>;
using NatsSubscription = std::unique_ptr<natsSubscription, NatsDestroy<natsSubscription_Destroy>>;
using NatsStreamInfo = std::unique_ptr<jsStreamInfo, NatsDestroy<jsStreamInfo_Destroy>>;
using NatsStreamNames = std::unique_ptr<jsStreamNamesList, NatsDestroy<jsStreamNamesList_Destroy>>;

// What the library remembers of this thread's last call, which returned `status`.
inline std::string nats_error(natsStatus status) {
    natsStatus last = NATS_OK;
    const char* const text = nats_GetLastError(&last);
    const bool tells = last == status && text != nullptr && *text != '\0';
    return std::string(without_source_position(tells ? text : natsStatus_GetText(status)));
}

}  // namespace blocky
