// From numbers and lines to messages with ids, and what becomes of lines that are none.
#include "producer/source.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

struct Lines {
    explicit Lines(const std::string& text, LineSourceOptions options = {})
        : file(open(directory.file_with("input", text).c_str(), O_RDONLY | O_CLOEXEC)) {
        options.descriptor = file.get();
        options.id_prefix = "p:";
        options.max_line_bytes = 100;
        source.emplace(options);
    }
    // Valid until the next line is read.
    Item item() {
        auto next = source->next();
        REQUIRE(std::holds_alternative<Item>(next));
        return std::get<Item>(next);
    }
    Skipped skipped() {
        auto next = source->next();
        REQUIRE(std::holds_alternative<Skipped>(next));
        return std::get<Skipped>(next);
    }
    bool ended() { return std::holds_alternative<EndOfInput>(source->next()); }

    TemporaryDirectory directory;
    Descriptor file;
    std::optional<LineSource> source;
};

LineSourceOptions raw() {
    LineSourceOptions options;
    options.raw = true;
    return options;
}

LineSourceOptions with_id_field(const std::string& pointer) {
    LineSourceOptions options;
    options.id_field = JsonPointer(pointer);
    return options;
}

TEST_CASE("a counter counts from 1 and never ends") {
    CounterSource source("name:session:");
    for (int i = 1; i <= 3; ++i) {
        const auto item = std::get<Item>(source.next());
        CHECK(item.value == std::to_string(i));
        CHECK(item.id == "name:session:" + std::to_string(i));
        CHECK(source.name(item.number) == "message " + std::to_string(i));
    }
    CHECK_FALSE(source.share_done());
}

TEST_CASE("a line that is JSON is sent as it is, any other as a string") {
    Lines lines("5\n{\"a\": [1, 2.50]}\nplain \"text\"\n 7 \n1e999\ntrue\nTrue\n\"s\"\n");
    CHECK(lines.item().value == "5");
    CHECK(lines.item().value == R"({"a": [1, 2.50]})");
    CHECK(lines.item().value == R"("plain \"text\"")");
    CHECK(lines.item().value == " 7 ");
    CHECK(lines.item().value == R"("1e999")");
    CHECK(lines.item().value == "true");
    CHECK(lines.item().value == R"("True")");
    CHECK(lines.item().value == R"("s")");
    CHECK(lines.ended());
    CHECK(lines.ended());
}

TEST_CASE("with raw every line is a string") {
    Lines lines("5\n{\"a\":1}\n\"s\"\ta\n", raw());
    CHECK(lines.item().value == R"("5")");
    CHECK(lines.item().value == R"("{\"a\":1}")");
    CHECK(lines.item().value == R"("\"s\"\ta")");
}

TEST_CASE("ids and names count lines, those that are no message included") {
    Lines lines("a\n\n\xFF\n\r\nb\n");
    CHECK(lines.item().id == "p:1");
    CHECK(lines.skipped().name == "line 3");
    const auto last = lines.item();
    CHECK(last.id == "p:5");
    CHECK(lines.source->name(last.number) == "line 5");
    CHECK(lines.ended());
}

TEST_CASE("a byte-order mark belongs to the file, not to its first line") {
    Lines marked(
        "\xEF\xBB\xBF"
        "5\n\xEF\xBB\xBF"
        "5\n");
    CHECK(marked.item().value == "5");
    CHECK(marked.item().value ==
          "\"\xEF\xBB\xBF"
          "5\"");
    Lines only_mark("\xEF\xBB\xBF\n7\n");
    CHECK(only_mark.item().value == "7");
}

TEST_CASE("a line that is too long or no UTF-8 is skipped, and why is said") {
    Lines lines(std::string(101, 'x') + "\n\xC3\nok\n");
    CHECK(lines.skipped().reason.find("too_large") != std::string::npos);
    CHECK(lines.skipped().reason.find("UTF-8") != std::string::npos);
    CHECK(lines.item().value == R"("ok")");
}

TEST_CASE("an id field makes the id, and a line without it is skipped") {
    Lines lines("{\"n\":\"x\"}\n{\"n\":1.50}\n{\"m\":1}\nplain\n{\"n\":null}\n{\"n\":7}\n",
                with_id_field("/n"));
    CHECK(lines.item().id == "x");
    const auto number = lines.item();
    CHECK(number.id == "1.50");
    CHECK(number.value == R"({"n":1.50})");
    CHECK(lines.skipped().name == "line 3");
    CHECK(lines.skipped().name == "line 4");
    CHECK(lines.skipped().reason.size() > 5);
    CHECK(lines.item().id == "7");
    CHECK(lines.ended());
}

TEST_CASE("of a file it is known how much was handed out, of a pipe not") {
    Lines lines("1\n2\n");
    CHECK(lines.source->share_done() == 0.0);
    lines.item();
    CHECK(lines.source->share_done() == 0.5);
    lines.item();
    CHECK(lines.source->share_done() == 1.0);

    Pipe pipe;
    LineSourceOptions options;
    options.descriptor = pipe.reader.get();
    CHECK_FALSE(LineSource(options).share_done());
    CHECK_FALSE(Lines("").source->share_done());
}

TEST_CASE("a source is ready when it has a whole line, or the end") {
    CHECK(CounterSource("").ready());
    Pipe pipe;
    LineSourceOptions options;
    options.descriptor = pipe.reader.get();
    options.max_line_bytes = 100;
    LineSource source(options);
    CHECK(source.descriptor() == pipe.reader.get());
    CHECK_FALSE(source.ready());
    pipe.write("1\n2");
    CHECK(source.ready());
    CHECK(std::get<Item>(source.next()).value == "1");
    CHECK_FALSE(source.ready());
    pipe.write("3\n");
    CHECK(source.ready());
    CHECK(source.ready());
    CHECK(std::get<Item>(source.next()).value == "23");
    pipe.writer.close();
    CHECK(source.ready());
    CHECK(std::holds_alternative<EndOfInput>(source.next()));
}

TEST_CASE("a stop ends the wait for a line") {
    Pipe pipe;
    const Descriptor stop(eventfd(1, EFD_CLOEXEC));
    LineSourceOptions options;
    options.descriptor = pipe.reader.get();
    options.stop_descriptor = stop.get();
    options.max_line_bytes = 100;
    LineSource source(options);
    CHECK(std::holds_alternative<StopRequested>(source.next()));
}

}  // namespace
}  // namespace blocky::test
