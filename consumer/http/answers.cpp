// One function per path.
#include "consumer/http/answers.hpp"

#include <string>

#include <fmt/format.h>

#include "consumer/http/health.hpp"
#include "consumer/http/metrics_text.hpp"
#include "consumer/http/pages.hpp"
#include "consumer/http/request_head.hpp"
#include "consumer/http/status_json.hpp"

namespace blocky {
namespace {

using httplib::Request;
using httplib::Response;

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void say(Response& response, int status, const std::string& text, const char* type = kText) {
    response.status = status;
    response.set_content(text, type);
}

void answer_page(const Request& request, const EmbeddedFile& page, Response& response) {
    const auto tag = fmt::format("\"{}\"", page.hash);
    response.set_header("ETag", tag);
    response.set_header("Content-Security-Policy", kPolicy);
    // May be kept, and must be asked after: the next version has the same paths.
    response.headers.erase("Cache-Control");
    response.set_header("Cache-Control", "no-cache");
    if (request.get_header_value("If-None-Match") == tag) {
        response.status = 304;
        return;
    }
    response.status = 200;
    response.set_content(page.content.data(), page.content.size(), media_type(page.name));
}

}  // namespace

void Answers::answer(const Request& request, Response& response) {
    if (request.method != "GET" && request.method != "HEAD") {
        response.set_header("Allow", "GET, HEAD");
        say(response, 405, "only GET and HEAD\n");
    } else if (options_.only_local && !is_local_host_header(request.get_header_value("Host"))) {
        say(response, 421, "not the server of that name: use localhost, or an address\n");
    } else if (const auto* const page = page_at(request.path)) {
        answer_page(request, *page, response);
    } else if (!answer_api(request, response)) {
        say(response, 404,
            "not found; there are /, /status, /events, /metrics, /healthz, /readyz\n");
    }
}

bool Answers::answer_api(const Request& request, Response& response) {
    const auto& path = request.path;
    if (path == "/status") {
        answer_status(response);
    } else if (path == "/events") {
        answer_events(request, response);
    } else if (path == "/metrics") {
        answer_metrics(response);
    } else if (path == "/healthz" || path == "/readyz") {
        answer_health(path, response);
    } else {
        return false;
    }
    return true;
}

void Answers::answer_health(const std::string& path, Response& response) const {
    const auto latest = board_.latest();
    const Signs signs{board_.last_beat(), latest ? std::optional(latest->state) : std::nullopt,
                      board_.sink()};
    const auto ask = path == "/healthz" ? health : readiness;
    const auto found = ask(signs, options_.stall_after, Clock::now());
    say(response, found.well ? 200 : 503, found.text + "\n");
}

void Answers::answer_status(Response& response) const {
    const auto latest = board_.latest();
    if (!latest) {
        say(response, 503, "{\"state\":\"starting\"}\n", kJson);
        return;
    }
    say(response, 200, status_json(*latest, board_.sink(), Clock::now()), kJson);
}

void Answers::answer_metrics(Response& response) const {
    const auto text = metrics_text(
        {board_.latest(), board_.sink(), board_.last_beat(), refused_(), Clock::now()});
    say(response, 200, text, "text/plain; version=0.0.4; charset=utf-8");
}

void Answers::answer_events(const Request& request, Response& response) {
    if (request.method == "HEAD") {
        say(response, 200, "", "text/event-stream");
        return;
    }
    // The place is given back with the last copy of the provider, however that comes about.
    const std::shared_ptr<void> place(nullptr, [this](void* /*none*/) { --streams_; });
    if (++streams_ > kMostEventStreams) {
        response.set_header("Retry-After", "5");
        say(response, 503, fmt::format("there are {} readers of events\n", kMostEventStreams));
        return;
    }
    const auto stream = std::make_shared<EventStream>(
        board_, ending_,
        EventStream::Request{request.get_param_value("state") == "1",
                             request.get_header_value("Last-Event-ID")});
    response.status = 200;
    response.set_content_provider(
        "text/event-stream", [stream, place](std::size_t /*offset*/, httplib::DataSink& sink) {
            const auto text = stream->next();
            if (!text) {
                sink.done();
                return true;
            }
            return sink.is_writable() && (text->empty() || sink.write(text->data(), text->size()));
        });
}

}  // namespace blocky
