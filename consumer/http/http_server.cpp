// Accepts connections and gives each to the pool, whose threads let httplib take requests apart and
// write responses. Its own accepting and queueing are not used: they have no bounds.
#include "consumer/http/http_server.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <thread>

#include <httplib.h>
#include <spdlog/spdlog.h>

#include "common/event_descriptor.hpp"
#include "consumer/http/answers.hpp"
#include "consumer/http/client_stream.hpp"
#include "consumer/http/connection_pool.hpp"
#include "consumer/http/listener.hpp"

namespace blocky {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMostConnections = 64;
constexpr Duration kRequestPatience = seconds(5);  // from connecting to the end of the head
constexpr int kNiceness = 10;
constexpr Duration kEndPatience = milliseconds(250);

constexpr std::string_view kTooLong =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: "
    "close\r\n\r\n";

// httplib's part: from the head that a stream gives to the response that it takes.
class Conversation : public httplib::Server {
public:
    explicit Conversation(Answers& answers, int listener) {
        set_pre_routing_handler([&answers](const auto& request, auto& response) {
            answers.answer(request, response);
            return HandlerResponse::Handled;
        });
        set_exception_handler([](const auto& /*request*/, auto& response, auto /*thrown*/) {
            response.status = 500;
        });
        set_default_headers({{"Cache-Control", "no-store"},
                             {"Cross-Origin-Resource-Policy", "same-origin"},
                             {"X-Content-Type-Options", "nosniff"}});
        // It breaks off what it sends piece by piece when it has no listening socket.
        svr_sock_ = listener;
    }

    void hold(ClientStream& stream) {
        bool closed = false;
        process_request(stream, true, closed, nullptr);
    }
};

}  // namespace

class HttpServer::Site {
public:
    Site(const Options& options, StatusBoard& board)
        : board_(board),
          listener_(options.address),
          answers_({options.stall_after, options.address.is_loopback()}, board, ending_,
                   [this] { return pool_.refused(); }),
          conversation_(answers_, listener_.get()),
          pool_(kMostConnections, [this](auto& connection) { serve(connection); }),
          acceptor_([this] { accept(); }) {}

    ~Site() { end(); }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    const HttpAddress& address() const { return listener_.address(); }

    void end() {
        if (!acceptor_.joinable()) {
            return;
        }
        quit_.raise();
        acceptor_.join();
        listener_.close();
        ending_.begin();
        board_.close();
        pool_.end(kEndPatience);
    }

private:
    void accept() {
        // This thread's only, and of those that it starts: batches go first.
        setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
        std::array<pollfd, 2> items{{{quit_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
        while (poll(items.data(), items.size(), -1) < 0 || items[0].revents == 0) {
            const auto descriptor = listener_.accept();
            if (descriptor >= 0) {
                pool_.add(descriptor);
            } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                // The connection stays in the queue of the system: no use to ask again at once.
                pool_.count_refused();
                ending_.wait_until(Clock::now() + milliseconds(100));
            }
        }
    }

    // In a thread of the pool.
    void serve(ConnectionPool::Connection& connection) {
        try {
            converse(connection);
        } catch (const std::exception& error) {
            spdlog::warn("an HTTP connection was given up: {}", error.what());
        }
    }

    void converse(ConnectionPool::Connection& connection) {
        ClientStream stream(connection.descriptor);
        const auto head = stream.receive_head(kRequestPatience);
        if (head == ClientStream::Head::kNone) {
            return;
        }
        pool_.has_asked(connection);
        if (head == ClientStream::Head::kTooLong) {
            stream.write(kTooLong.data(), kTooLong.size());
        } else {
            conversation_.hold(stream);
        }
        stream.finish();
    }

    StatusBoard& board_;
    Listener listener_;
    EventDescriptor quit_;
    Ending ending_;
    Answers answers_;
    Conversation conversation_;
    ConnectionPool pool_;
    std::thread acceptor_;
};

HttpServer::HttpServer(const Options& options, StatusBoard& board)
    : site_(std::make_unique<Site>(options, board)) {}

HttpServer::~HttpServer() = default;

std::string HttpServer::url() const {
    return url_of(site_->address());
}

void HttpServer::end() {
    site_->end();
}

}  // namespace blocky
