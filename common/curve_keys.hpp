// Keys of CURVE, which encrypts a TCP connection and says who is at its ends (RFC 26/ZMTP-CURVE):
// made, kept in files and read from them. As text a key is 40 characters of Z85 (RFC 32). A pair
// lies in two files: FILE with the secret key, for its owner alone, and FILE.pub with the public
// one, to be handed out.
#pragma once

#include <string>
#include <string_view>

namespace blocky {

// As text, both.
struct CurveKeys {
    std::string public_key;
    std::string secret_key;
};

// Whether it is 40 characters of Z85 that stand for a key.
bool is_curve_key(std::string_view text);

// A pair that nobody else has. Throws std::runtime_error if this ZeroMQ is without CURVE.
CurveKeys make_curve_keys();

// Writes `path` (mode 0600) and `path`.pub, each whole or not at all and synced. Throws
// std::runtime_error, one sentence that names the file; one that is there is never written over.
void write_curve_keys(const CurveKeys& keys, const std::string& path);

// The pair whose secret key lies there. Throws std::runtime_error, one sentence without the path: a
// file that is not there, that group or others can read, or that is no key.
CurveKeys read_secret_curve_key(const std::string& path);

// The public key that lies there. Throws in the same way.
std::string read_public_curve_key(const std::string& path);

}  // namespace blocky
