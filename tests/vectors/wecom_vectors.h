/* Every published vector of the callback cipher (wecom.md §1.12), in both directions where the
 * random bytes are given. */
#ifndef YQ_WECOM_VECTORS_H
#define YQ_WECOM_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

struct wecom_vector {
    const char *name;
    bool get;          /* a verification; otherwise a delivery */
    const char *token; /* NULL: only the cipher is published */
    const char *aes_key;
    const char *receiver;
    const char *signature;
    const char *timestamp;
    const char *nonce;
    const char *encrypted;
    const char *random; /* 16 bytes; NULL where they are not given */
    size_t pad;
    size_t message_len;
    const char *message;
};

/* clang-format off */
static const struct wecom_vector wecom_vectors[] = {
    {"A1", true, "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7",
     "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780",
         "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvna"
         "qQ==",
     "c41b64491c2468d0", 7, 19,
         "1616140317555161061"},
    {"A2", false, "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7",
     "477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149",
         "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3"
         "QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48"
         "kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izo"
         "un1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
         "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl"
         "/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==",
     "0960688932c47ef1", 30, 284,
         "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<FromUserName><![CDATA"
         "[mycreate]]></FromUserName>\n<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA["
         "text]]></MsgType>\n<Content><![CDATA[hello]]></Content>\n<MsgId>4561255354251345929<"
         "/MsgId>\n<AgentID>218</AgentID>\n</xml>"},
    {"A3", false, "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7",
     "0623cbc5a8cbee5bcc137c70de99575366fc2af3", "1409659813", "1372623149",
         "CZWs4CWRpI4VolQlvn4dlEC1alN2MUEY2VklGehgBVLBrlVF7SyT+SV+Toj43l4ayJ9UMGKphktKKmP7B2j/"
         "P1ey67XB8PBgS7Wr5/8+w/yWriZv3Vmoo/MH3/1HsIWZrPQ3N2mJrelStIfI2Y8kLKXA7EhfZgZX4o+ffdkZ"
         "DM76SEl79Ib9mw7TGjZ9Aw/x/A2VjNbV1E8BtEbRxYYcQippYNw7hr8sFfa3nW1xLdxokt8QkRX83vK3DFP2"
         "F6TQFPL2Tu98UwhcUpPvdJBuu1/yiOQIScppV3eOuLWEsko=",
     "EDH75AiKExevY8L3", 22, 164,
         "{\"ToUserName\":\"wx5823bf96d3bd56c7\",\"FromUserName\":\"mycreate\",\"CreateTime\":"
         " 1409659813,\"MsgType\":\"text\",\"Content\":\"hello\",\"MsgId\":4561255354251345929"
         ",\"AgentID\": 218}"},
    {"A4", false, "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7",
     "1f3153b7abd0ba99b4ab2e57fac2376110d03a3c", "1409659813", "1372623149",
         "pvXgeha3nZ7UQ2DG3WD3IVsNJR38QVl1+h+wmLQHIAwEG3Jey2aTZtvAWzhEZ9JEKGwIUMBWX3JlUhfo7O7W"
         "bvI10vHIsdSNr1nr3LuOwAfnwLJAMQNDxi5tHUl08Op59jxOL73r8+g60KOxMTaFwXzlr9Yxgq5ey5nzNb/2"
         "vDjjvDZNXkJVmL/XWnv6PXrVbTpNxphqWRv2BpPYqvwRMkHgdFliatljMVlkkRHS40FOHmtBhj/4RXtIexfD"
         "x8opBXwi0L9RTlYNQzGx+FA+74xVHG7Le/pmNDwc2Ri5mbw=",
     "WSaxmGcGQ0R23jRP", 10, 176,
         "{ \"ToUserName\": \"wx5823bf96d3bd56c7\", \"FromUserName\": :mycreate\", \"CreateTim"
         "e\": 1409659813, \"MsgType\": \"text\", \"Content\": \"hello\", \"MsgId\": 456125535"
         "4251345929, \"AgentID\": 218}"},
    {"B1", true, "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo", "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt", "ww1436e0e65a779aee",
     "012bc692d0a58dd4b10f8dfe5c4ac00ae211ebeb", "1476416373", "47744683",
         "fsi1xnbH4yQh0+PJxcOdhhK6TDXkjMyhEPA7xB2TGz6b+g7xyAbEkRxN/3cNXW9qdqjnoVzEtpbhnFyq6SVH"
         "yA==",
     "8908d0ff052afda0", 7, 19,
         "1288432023552776189"},
    {"B2", false, "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo", "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt", "ww1436e0e65a779aee",
     "0c3914025cb4b4d68103f6bfc8db550f79dcf48e", "1476422779", "1597212914",
         "Kl7kjoSf6DMD1zh7rtrHjFaDapSCkaOnwu3bqLc5tAybhhMl9pFeK8NslNPVdMwmBQTNoW4mY7AIjeLvEl3N"
         "yeTkAgGzBhzTtRLNshw2AEew+kkYcD+Fq72Kt00fT0WnN87hGrW8SqGc+NcT3mu87Ha3dz1pSDi6GaUA6A0s"
         "qfde0VJPQbZ9U+3JWcoD4Z5jaU0y9GSh010wsHF8KZD24YhmZH4ch4Ka7ilEbjbfvhKkNL65HHL0J6EYJIZU"
         "C2pFrdkJ7MhmEbU2qARR4iQHE7wy24qy0cRX3Mfp6iELcDNfSsPGjUQVDGxQDCWjayJOpcwocugux082f49H"
         "KYg84EpHSGXAyh+/oxwaWbvL6aSDPOYuPDGOCI8jmnKiypE+",
     "694ce5a83ae07fe3", 22, 228,
         "<xml><ToUserName>ww1436e0e65a779aee</ToUserName><FromUserName>ChenJiaShun</FromUserN"
         "ame><CreateTime>1476422779</CreateTime><MsgType>text</MsgType><Content>\344\275\240"
         "\345\245\275</Content><MsgId>1456453720</MsgId><AgentID>1000002</AgentID></xml>"},
    {"B3", false, "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo", "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt", "ww1436e0e65a779aee",
     "e3647471e395139e2308c1fa963f2d648a00b90e", "1409659813", "1372623149",
         "cjhLUX7UU4yCSelv1vz7T0zT8huF51bAMVWriNvO1FMegHrQZNrtvRxbwf0fUPsFvwqR0U0fgiJNEA5Y30F2"
         "MoI2S7vv3EjVQ68C0cjw9frBoUE2Hj0BvFp9h3u6Vbsg4lc1C8AtHdaN8orKuNKkLRLuYEL52R1J3v8olJGZ"
         "RLnRdVKIivixmX/eQpzgeExtp20jI1HxRP1AAZ6xZoILdqDPO549LO4WeG+685JRUTdiwcY5fjZlqeMxuT4P"
         "pMn1X9OWsS7NRj06Wa5E3Tvg4twjWp39KPfOdRte6P1T4JU=",
     "dDVXRx6kn1gOT43Q", 10, 176,
         "{ \"ToUserName\": \"wx5823bf96d3bd56c7\", \"FromUserName\": :mycreate\", \"CreateTim"
         "e\": 1409659813, \"MsgType\": \"text\", \"Content\": \"hello\", \"MsgId\": 456125535"
         "4251345929, \"AgentID\": 218}"},
    {"C1", true, "gY1AGR3mjBhzy", "g8VGfQEqluUhoKOlyjmmll8Q9C5tVFUTX5T2qkmI9Sv", "wwabfd0cec7171e769",
     "825075c093249d5a60967fe4a613cae93146636b", "1597998748", "1597483820",
         "neLB8CftccHiz19tluVb+UBnUVMT3xpUMZU8qvDdD17eH8XfEsbPYC/kJyPsZOOc6GdsCeu8jSIa2noSJ/ez"
         "2w==",
     "e86c1f6f0469c1ed", 7, 19,
         "7139691598513686239"},
    {"D1", true, "kjr2TKI8umCBfVF3wAHk8JiPwma5VBme", "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws", "ww6a112864f8022910",
     "1ba3cb09c0d2c2b3ed6900d37f91a6efae6cb011", "1583940690", "VHh7ymSeb0jc4lSb",
         "6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt"
         "9w==",
     NULL, 3, 23,
         "94966531020182955848408"},
    {"E1", false, "kz7Yx62CH8SaLN", "cD0d7jx4tYvVtzqrmh3Dm3QFCXe6f8SlHoMtMh3qQEP", "ww6a112864f8022910",
     "f265ae551b1932727204c3d707628d01376a6940", "1583995625", "1584392382",
         "EUCt7xMcNiyASzZj0Hjc5yDjFQrCum6AfQ3ntHiUzjGQ51xieKmbvtrZ40/EcB2W/W8yH0n4Lqx48gJl/T9H"
         "D/R309I0P/r5pIZucK3lyEn48FYMr4YdE0QdL2jIJ3xkcXUr6uzefzCxG6lMvwpAJaOyVCzN7sRRw47njfxy"
         "5EIqU6R9ZBhlTzfdnhhOhK/nTwzrZX3SoGlXFA9OBeZ6ru1NWpXFk76x9DUMe0lcxPPiUqK8ctnQcYXSGUHV"
         "qC6DfG7E7mab0OmruNN8cBZY5d3dYOBA4OgaH55Q0AJmUpdT8vNiXpXx+6TxT3TIjySXpDrHVyrsb772aYyw"
         "gg/Nu4kUmGkALwFZlzhjNegR7wDwb9lr4ERXsSSS8JZ8lbBmaQ3F2Tq584xoPj5rIhXAF734ynm4no1g+SdH"
         "iNqR328=",
     "!\3430p\305m\034\244\344\372\204\254\347\0234\366", 13, 269,
         "<xml><ToUserName><![CDATA[ww6a112864f8022910]]></ToUserName><FromUserName><![CDATA[f"
         "oobar]]></FromUserName><CreateTime>1583995625</CreateTime><MsgType><![CDATA[text]]><"
         "/MsgType><Content><![CDATA[x123]]></Content><MsgId>2018405441</MsgId><AgentID>100000"
         "2</AgentID></xml>"},
    {"E2", false, "kz7Yx62CH8SaLN", "cD0d7jx4tYvVtzqrmh3Dm3QFCXe6f8SlHoMtMh3qQEP", "wwf181555a13a31443",
     "a44d1b7dc3dc4b02edd99dc32afa6a26be7c92f6", "1583995625", "1584392382",
         "fyVN9BUnH6xNl0/VCHTCg6XGxxvoFdyZ7VQbAbBcQ79dVccYvdIyJYZSMMhkPy8LPaoe+V27qjoQ553fXavm"
         "rPOgxzHrKKf3YIu63pB4/nN0LY4S+GzUFi/LLFj1TI1sOh0q2jT5u1nYz5G3HFNLd3DFUvJVLtZl8mVMwUOz"
         "BpzKZhhmCvIJLVlvym9tt+VYwG06MSbmnf9AzYFKhm1BIy+95Q824ilY6Wy8l+vkFqEdASl2k83jMXvlkVRS"
         "B3hmNptWTbq8ygDdLtkCyA4UEiZvfTskqqVkbYwLptRl/1F+DVL9SH/TWt2j3dCm4rzY5jQG+fA+2xh2Kk+O"
         "rVgafqtQCfhjq8C38A2IwCcg2BONKk8s5ijFxQoszmXvJQ3zLYbjzRWQ40xhryDyPNNse7/slKVW2QMBEUPN"
         "OxUcX9k=",
     "165537226266209e", 14, 268,
         "<xml><ToUserName><![CDATA[wwf181555a13a31443]]></ToUserName><FromUserName><![CDATA[x"
         "en0n]]></FromUserName><CreateTime>1583995625</CreateTime><MsgType><![CDATA[text]]></"
         "MsgType><Content><![CDATA[x123]]></Content><MsgId>2018405441</MsgId><AgentID>1000002"
         "</AgentID></xml>"},
    {"F1", true, "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a",
     "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "1411443780", "437374425",
         "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p"
         "+Q==",
     NULL, 7, 19,
         "5927782489442352469"},
    {"F2", false, "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a",
     "407518b7649e86ef23978113f92d27afa9296533", "1411525903", "461056294",
         "9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrluLBYq"
         "xgNcBqGsL8GqxlhZgURnAtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkMKCCmVbCF"
         "M2JTF5wY0nFhHZSjPUL2Q1qvSUCUld+/WIXrx0oyKQmpB6o8NRrrNrsDf03oxI1p9FxUgMnwKKZeOA/uu+2I"
         "EvEBtb7muXsVbwbgX05UPPJvFurDXafG0RQyPR+mf1nDnAtQmmNOuiR5MIkdQ39xn1vWwi1O5oazPoQJz0nT"
         "YjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFYFMNMpatF9XiKzHo3",
     "1234567890123456", 3, 247,
         "<xml>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[test]]></Content>\n<Fr"
         "omUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>\n<ToUserName><![CDATA[messe"
         "nse]]></ToUserName>\n<AgentID>1</AgentID>\n<CreateTime>1411525903</CreateTime>\n</xm"
         "l>"},
    {"F3", false, "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a",
     "74d92dfeb87ba7c714f89d98870ae5eb62dff26d", "1411525903", "461056294",
         "RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPatfjsu"
         "6IHCrsTyeDXzF6Bv283dGymzxh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2wASFlzEgMW9z1ef/RD8XzaFYgm"
         "7iTdaXpXaG4+BiYyolBug/gYNx410cvkKR2/nPwBiT+P4hIiOAQqGp/TywZBtDh1yCF2KOd0gpiMZ5jSw3e2"
         "9mTvmUHzkVQiMS6td7vXUaWOMZnYZlF3So2SjHnwh4jYFxdgpkHHqIrH/54SNdshoQgWYEvccTKe7FS709/5"
         "t6NMxuGhcUGAPOQipvWTT4dShyqio7mlsl5noTrb++x6En749zCpQVhDpbV6GDnTbcX2e8K9QaNWHp91eBdC"
         "RxthuL0=",
     NULL, 1, 281,
         "<xml><ToUserName><![CDATA[wx49f0ab532d5d035a]]></ToUserName>\n<FromUserName><![CDATA"
         "[messense]]></FromUserName>\n<CreateTime>1411525903</CreateTime>\n<MsgType><![CDATA["
         "text]]></MsgType>\n<Content><![CDATA[test]]></Content>\n<MsgId>4363689963896700987</"
         "MsgId>\n<AgentID>1</AgentID>\n</xml>"},
    {"G1", false, NULL, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6",
     NULL, NULL, NULL,
         "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVO"
         "fg==",
     "aaaabbbbccccdddd", 7, 19,
         "\346\210\221\346\230\257\344\270\255\346\226\207abcd123"},
};

/* A4's signature stands beside this other ciphertext in the published sample, and does not match it. */
#define WECOM_VECTOR_A4_OTHER                                                                      \
    "jYKl5gAKBiSvZ694aryRMNxKJhUJFtNCSDS9TgfV7rDtEe0x6FjiuCWenK3dCDOah+qOJ8yS6RERDoFhe4dY" \
    "sHpyImaoZwiGjTp1RGXr7GEW5Tn21BdmYId4Pzvoi6ieOKWbrzag5v2TzcF9syQtry2Ujg5hLEgmMP1Y3GPK" \
    "HLJ8Rg1kpASRriNKeoHWnokLHlpVt3Ai45y2Bfqn+GxT7qz+yODK3f9Ygxhkpkvp6EaIDIzvk77r26t6Q/sT" \
    "GfzBYPsNYI8t811B9UFyr38gwslPQUHYuOUXalAUnqpiZW0="
#define WECOM_VECTOR_A4_OTHER_SIGNATURE "cf98808c142bc21a6a5c6baae8dbebfa813394c9"
/* clang-format on */

#endif
