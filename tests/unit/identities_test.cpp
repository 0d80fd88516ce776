// Who goes by which name: the list's names are given to those who have the keys, and to nobody
// else.
#include "consumer/identities.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/captured_log.hpp"

namespace blocky::test {
namespace {

const std::string kAlice = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const std::string kBob = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const std::string kNameless = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
const std::string kNoKey;

std::shared_ptr<const AllowList> list_of(const std::string& text) {
    const auto list = AllowList::parse(text);
    REQUIRE(list);
    return std::make_shared<const AllowList>(list.value());
}

struct Fixture {
    Identities identities{list_of(kAlice + " alice\n" + kBob + " bob\n" + kNameless + "\n")};
    DecodedBody body;
    std::optional<Refusal> whole;

    void take(DecodedMessage message) { body.messages.push_back(std::move(message)); }

    // What becomes of a message from `connection` that says it is by `claim`: the name it goes by,
    // or "refused".
    std::string name_of(const std::string& connection, const std::string& claim) {
        body.bundle = false;
        body.messages.clear();
        take({{"1", claim, "id-1", {}}, 1, std::nullopt});
        whole = identities.identify(connection, body);
        const auto& message = body.messages.front();
        return whole || message.refusal ? "refused" : std::string(message.request.producer);
    }
};

TEST_CASE_FIXTURE(Fixture, "a key's name counts, whatever its producer calls itself") {
    identities.meet("c1", kAlice);
    CHECK(name_of("c1", "") == "alice");
    CHECK(name_of("c1", "alice") == "alice");
    CHECK(name_of("c1", "host-17") == "alice");
    CHECK(name_of("c1", "host-17") == "alice");
}

TEST_CASE_FIXTURE(Fixture, "the name of one key cannot be claimed by another") {
    for (const auto* const key : {&kAlice, &kNameless, &kNoKey}) {
        identities.meet("c1", *key);
        CHECK(name_of("c1", "bob") == "refused");
        const auto& refusal = body.messages.front().refusal;
        REQUIRE(refusal);
        CHECK(refusal->code == ErrorCode::kBadRequest);
        CHECK(refusal->id == "id-1");
        CHECK(contains(refusal->message, "cannot be claimed by another"));
        CHECK(name_of("c1", "bob") == "refused");
    }
}

TEST_CASE_FIXTURE(Fixture, "who has no name in the list goes by any that is not") {
    identities.meet("c1", kNameless);
    identities.meet("c2", kNoKey);
    for (const char* const connection : {"c1", "c2"}) {
        CHECK(name_of(connection, "") == "");
        CHECK(name_of(connection, "carol") == "carol");
        CHECK(name_of(connection, "alice") == "refused");
        CHECK(name_of(connection, "carol") == "carol");
    }
}

TEST_CASE_FIXTURE(Fixture, "each message of a bundle is judged by itself") {
    identities.meet("c1", kAlice);
    body.bundle = true;
    const Refusal earlier{ErrorCode::kBadRequest, "it has no value", ""};
    take({{"1", "x", "a", {}}, 1, std::nullopt});
    take({{"2", "bob", "b", {}}, 1, std::nullopt});
    take({{"3", "bob", "c", {}}, 1, earlier});
    CHECK_FALSE(identities.identify("c1", body));
    CHECK(body.messages[0].request.producer == "alice");
    REQUIRE(body.messages[1].refusal);
    CHECK(body.messages[1].refusal->id == "b");
    CHECK(body.messages[2].refusal->message == "it has no value");
}

TEST_CASE_FIXTURE(Fixture, "a key that is taken off the list has its messages refused at once") {
    identities.meet("c1", kAlice);
    CHECK(name_of("c1", "") == "alice");
    identities.follow(list_of(kBob + " bob\n"));
    CHECK(name_of("c1", "") == "refused");
    REQUIRE(whole);
    CHECK(contains(whole->message, "not allowed any longer"));
    CHECK(whole->id == "id-1");
    identities.follow(list_of(kAlice + " alicia\n"));
    CHECK(name_of("c1", "") == "alicia");
}

TEST_CASE_FIXTURE(Fixture, "a name that comes onto the list is its key's from then on") {
    identities.meet("c1", kNameless);
    CHECK(name_of("c1", "carol") == "carol");
    identities.follow(list_of(kAlice + " carol\n" + kNameless + "\n"));
    CHECK(name_of("c1", "carol") == "refused");
}

TEST_CASE_FIXTURE(Fixture, "a name does not outlive its connection") {
    identities.meet("c1", kAlice);
    CHECK(identities.knows("c1"));
    identities.forget("c1");
    CHECK_FALSE(identities.knows("c1"));
    identities.forget("c1");
    identities.meet("c1", kNameless);  // ZeroMQ's name for it may come again
    CHECK(name_of("c1", "carol") == "carol");
}

TEST_CASE_FIXTURE(Fixture, "a message that outlived its connection is judged by its own key") {
    take({{"1", "x", "a", {}}, 1, std::nullopt});
    CHECK_FALSE(identities.identify_stranger(kBob, body));
    CHECK(body.messages[0].request.producer == "bob");
    body.messages.clear();
    take({{"1", "bob", "a", {}}, 1, std::nullopt});
    CHECK_FALSE(identities.identify_stranger(kNoKey, body));
    CHECK(body.messages[0].refusal);
    CHECK(identities.identify_stranger("a key of nobody", body));
}

}  // namespace
}  // namespace blocky::test
