// What the service manager hears, and when, over a real datagram socket and by a clock that only
// the test moves.
#include "consumer/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include <doctest/doctest.h>

#include "tests/support/captured_log.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

// The other end of NOTIFY_SOCKET.
class ServiceManager {
public:
    explicit ServiceManager(const std::string& path)
        : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
    }

    // The next message; empty if there is none.
    std::string heard() {
        std::string text(4096, '\0');
        const auto size = recv(socket_.get(), text.data(), text.size(), 0);
        text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return text;
    }

private:
    Descriptor socket_;
};

struct Notifying {
    explicit Notifying(std::optional<Duration> watchdog = std::nullopt, bool for_sink = false)
        : notifier({path, watchdog, 30s, for_sink}, activity) {}

    // What one turn tells.
    std::string turn(Duration when, bool stopping = false) {
        notifier.turned(at(when), stopping);
        return manager.heard();
    }

    TemporaryDirectory directory;
    std::string path = directory.file("notify");
    ServiceManager manager{path};
    SinkActivity activity;
    ServiceNotifier notifier;
};

constexpr const char* kAlive = "WATCHDOG=1\n";

TEST_CASE("ready is told once, with the first status") {
    Notifying n;
    n.notifier.starting("the sink is being opened");
    CHECK(n.manager.heard() == "STATUS=the sink is being opened\n");
    n.notifier.ready(at(0s));
    CHECK(n.manager.heard() == "READY=1\nSTATUS=no message so far\n");
    CHECK(n.turn(1s).empty());
    CHECK(n.turn(2s).empty());
}

TEST_CASE("the status is the last batch, at most once a second, and never told twice") {
    Notifying n;
    n.notifier.ready(at(0s));
    n.manager.heard();
    n.notifier.batch_over(1, 1, 2ms);
    CHECK(n.turn(999ms).empty());
    n.notifier.batch_over(2, 3, 998400us);
    n.notifier.batch_over(3, 0, 0ms);  // nobody was in it
    CHECK(n.turn(1s) == "STATUS=batch 2: 3 messages, held 998 ms; 4 messages so far\n");
    CHECK(n.turn(2s).empty());
    n.notifier.batch_over(4, 1, 0ms);
    CHECK(n.turn(3s) == "STATUS=batch 4: 1 message, held 0 ms; 5 messages so far\n");
}

TEST_CASE("a loop that turns is heard in every half of the period, whenever its turns come") {
    for (const auto between : {1ms, 7ms, 24ms, 25ms, 26ms, 49ms}) {
        CAPTURE(between.count());
        Notifying n(100ms);
        CHECK(n.notifier.wake_at_least_every() == Duration(25ms));
        auto last = Duration(0);
        for (auto now = Duration(0); now < 1s; now += between) {
            if (n.turn(now).find(kAlive) != std::string::npos) {
                CHECK(now - last <= 50ms);
                last = now;
            }
        }
        CHECK(last > 900ms);
    }
}

TEST_CASE("who is waited for is woken once a second for the status") {
    CHECK(Notifying().notifier.wake_at_least_every() == Duration(1s));
    CHECK(Notifying(1min).notifier.wake_at_least_every() == Duration(1s));
    const SinkActivity activity;
    CHECK_FALSE(ServiceNotifier({}, activity).wake_at_least_every());
}

TEST_CASE("a sink that hangs is in the status, and no reason to be silent") {
    Notifying n(4s);
    n.activity.begun(7, at(0s));
    CHECK(n.turn(29999ms) == "WATCHDOG=1\nSTATUS=no message so far\n");
    CHECK(n.turn(31s) ==
          "WATCHDOG=1\nSTATUS=the sink has had batch 7 for 31 s and does not answer; "
          "no message so far\n");
}

TEST_CASE("for the sink's watchdog it is, until the call returns") {
    Notifying n(4s, true);
    n.activity.begun(7, at(0s));
    CHECK(n.turn(29999ms).starts_with(kAlive));
    CHECK(n.turn(31s).starts_with("STATUS=the sink has had batch 7"));
    n.activity.worked(at(32s));  // half of it is stored, the other half begins
    CHECK(n.turn(32s).starts_with(kAlive));
    CHECK(n.turn(61s).starts_with(kAlive));
    CHECK_FALSE(n.turn(62s).starts_with(kAlive));
    n.activity.ended();
    CHECK(n.turn(63s).starts_with(kAlive));
    CHECK(n.turn(1h).starts_with(kAlive));
}

TEST_CASE("a sink that fails and is tried again does not hang, however long that takes") {
    Notifying n(4s, true);
    n.activity.begun(7, at(0s));
    for (auto now = Duration(1s); now < 2min; now += 10s) {
        n.activity.failed("disk full", at(now));
        CHECK(n.turn(now).starts_with(kAlive));
        n.activity.retried(at(now + 5s));
    }
    n.activity.failed("disk full", at(2min));
    CHECK(n.turn(2min) ==
          "WATCHDOG=1\nSTATUS=the sink has failed for 119 s, batch 7 is tried "
          "again: disk full; no message so far\n");
    n.activity.retried(at(2min));  // and this call hangs
    CHECK_FALSE(n.turn(150s).starts_with(kAlive));
}

TEST_CASE("a stop is told at once, and once") {
    Notifying n(4s);
    n.notifier.ready(at(0s));
    n.manager.heard();
    CHECK(n.turn(1ms, true) == "STOPPING=1\nWATCHDOG=1\nSTATUS=stopping; no message so far\n");
    CHECK(n.turn(2s, true) == kAlive);
}

TEST_CASE("a manager that does not read is told later what it must know") {
    Notifying n(4ms);
    auto now = Duration(0);
    for (int i = 0; i < 10'000; ++i) {  // far more than its queue has room for
        n.notifier.turned(at(now += 1ms), false);
    }
    n.notifier.ready(at(now));
    n.notifier.turned(at(now += 1ms), true);
    while (!n.manager.heard().empty()) {
    }
    CHECK(n.turn(now + 1s, true).starts_with("READY=1\nSTOPPING=1\nWATCHDOG=1\nSTATUS="));
    CHECK(n.turn(now + 2s, true) == kAlive);
}

TEST_CASE("a name that is none is a warning, and nobody is told anything") {
    for (const std::string& name :
         {std::string("notify"), std::string("@"), "/" + std::string(200, 'x')}) {
        CAPTURE(name);
        const SinkActivity activity;
        const CapturedLog log;
        ServiceNotifier notifier({name, 1s}, activity);
        CHECK(log.lines().size() == 1);
        CHECK(log.lines().front().starts_with("warning: NOTIFY_SOCKET: got "));
        CHECK_FALSE(notifier.wake_at_least_every());
        notifier.ready(at(0s));
        notifier.turned(at(1s), true);
    }
}

}  // namespace
}  // namespace blocky::test
