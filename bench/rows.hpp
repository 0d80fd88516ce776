// What the yardsticks of the sinks share: the rows, and how transactions are timed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

struct Row {
    std::string id;
    std::string value;
};

// One row for each line of the file, which is its value; ids as blocky-producer makes them.
inline std::vector<Row> rows_of(const char* path) {
    std::vector<Row> rows;
    std::ifstream file(path);
    std::string value;
    while (std::getline(file, value)) {
        rows.push_back({"p:0123456789abcdef:" + std::to_string(rows.size() + 1), value});
    }
    return rows;
}

// Has `store(first, end, batch)` store `step` rows at a time, as long as there are so many, and
// prints the milliseconds of each on stdout, one a line.
template <typename Store>
void time_transactions(std::size_t rows, std::size_t step, Store store) {
    int batch = 0;
    for (std::size_t first = 0; first + step <= rows; first += step) {
        const auto start = std::chrono::steady_clock::now();
        store(first, first + step, ++batch);
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - start;
        std::printf("%.6f\n", took.count());
    }
}
