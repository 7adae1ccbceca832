/* Base64 and hexadecimal, strict, into the caller's buffer. */
#include "crypto/encoding.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Character to its 6 bits with VALID set; whatever is no character of the alphabet is 0. Thus the
 * AND of four look-ups tells whether all were good, and one subtraction takes the four marks off.
 */
#define VALID 0x40
#define V(n) (VALID | (n))
#define MARKS ((uint32_t)VALID << 18 | (uint32_t)VALID << 12 | VALID << 6 | VALID)

static const uint8_t sextets[256] = {
    ['A'] = V(0),  ['B'] = V(1),  ['C'] = V(2),  ['D'] = V(3),  ['E'] = V(4),  ['F'] = V(5),
    ['G'] = V(6),  ['H'] = V(7),  ['I'] = V(8),  ['J'] = V(9),  ['K'] = V(10), ['L'] = V(11),
    ['M'] = V(12), ['N'] = V(13), ['O'] = V(14), ['P'] = V(15), ['Q'] = V(16), ['R'] = V(17),
    ['S'] = V(18), ['T'] = V(19), ['U'] = V(20), ['V'] = V(21), ['W'] = V(22), ['X'] = V(23),
    ['Y'] = V(24), ['Z'] = V(25), ['a'] = V(26), ['b'] = V(27), ['c'] = V(28), ['d'] = V(29),
    ['e'] = V(30), ['f'] = V(31), ['g'] = V(32), ['h'] = V(33), ['i'] = V(34), ['j'] = V(35),
    ['k'] = V(36), ['l'] = V(37), ['m'] = V(38), ['n'] = V(39), ['o'] = V(40), ['p'] = V(41),
    ['q'] = V(42), ['r'] = V(43), ['s'] = V(44), ['t'] = V(45), ['u'] = V(46), ['v'] = V(47),
    ['w'] = V(48), ['x'] = V(49), ['y'] = V(50), ['z'] = V(51), ['0'] = V(52), ['1'] = V(53),
    ['2'] = V(54), ['3'] = V(55), ['4'] = V(56), ['5'] = V(57), ['6'] = V(58), ['7'] = V(59),
    ['8'] = V(60), ['9'] = V(61), ['+'] = V(62), ['/'] = V(63),
};

size_t yq_base64_encode(const uint8_t *bytes, size_t len, char *out)
{
    char *to = out;
    for (; len >= 3; bytes += 3, len -= 3) {
        uint32_t v = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[v >> 12 & 63];
        *to++ = alphabet[v >> 6 & 63];
        *to++ = alphabet[v & 63];
    }
    if (len > 0) {
        uint32_t v = (uint32_t)bytes[0] << 16 | (len == 2 ? (uint32_t)bytes[1] << 8 : 0);
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[v >> 12 & 63];
        *to++ = len == 2 ? alphabet[v >> 6 & 63] : '=';
        *to++ = '=';
    }
    *to = '\0';
    return (size_t)(to - out);
}

/* The last four characters, which may end in '='. Returns the number of bytes, or -1. */
static int decode_tail(const uint8_t *text, uint8_t *out)
{
    int pads = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    uint8_t a = sextets[text[0]];
    uint8_t b = sextets[text[1]];
    uint8_t c = pads < 2 ? sextets[text[2]] : VALID;
    uint8_t d = pads < 1 ? sextets[text[3]] : VALID;
    if ((a & b & c & d & VALID) == 0)
        return -1;
    uint32_t v =
        ((uint32_t)a << 18) + ((uint32_t)b << 12) + ((uint32_t)c << 6) + (uint32_t)d - MARKS;
    if ((v & (pads == 2 ? 0xffffu : pads == 1 ? 0xffu : 0)) != 0)
        return -1; /* surplus bits */
    out[0] = (uint8_t)(v >> 16);
    if (pads < 2)
        out[1] = (uint8_t)(v >> 8);
    if (pads < 1)
        out[2] = (uint8_t)v;
    return 3 - pads;
}

ssize_t yq_base64_decode(const char *text, size_t len, uint8_t *out)
{
    if (len % 4 != 0)
        return -1;
    if (len == 0)
        return 0;
    const uint8_t *from = (const uint8_t *)text;
    const uint8_t *last = from + len - 4;
    uint8_t *to = out;
    uint8_t good = VALID;
    for (; from < last; from += 4, to += 3) {
        uint8_t a = sextets[from[0]];
        uint8_t b = sextets[from[1]];
        uint8_t c = sextets[from[2]];
        uint8_t d = sextets[from[3]];
        good &= a & b & c & d;
        uint32_t v =
            ((uint32_t)a << 18) + ((uint32_t)b << 12) + ((uint32_t)c << 6) + (uint32_t)d - MARKS;
        to[0] = (uint8_t)(v >> 16);
        to[1] = (uint8_t)(v >> 8);
        to[2] = (uint8_t)v;
    }
    int tail = decode_tail(last, to);
    if (good == 0 || tail < 0)
        return -1;
    return to - out + tail;
}

void yq_hex_encode(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}
