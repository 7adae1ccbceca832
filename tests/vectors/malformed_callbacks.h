/* Malformed callbacks, from the query down to the decrypted text, each with what must come of it: a
 * refusal, or (refusal NONE) an authentic event of kind `unknown`. Whoever includes this builds the
 * request with malformed_build, sends it to a connection set up with the three MALFORMED_ values
 * below, and releases it. */
#ifndef YQ_MALFORMED_CALLBACKS_H
#define YQ_MALFORMED_CALLBACKS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cipher_blocks.h"
#include "model/envelope.h"

#define MALFORMED_TOKEN "QDG6eK"
#define MALFORMED_AES_KEY "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
#define MALFORMED_RECEIVER "wx5823bf96d3bd56c7"

#define MALFORMED_OTHER_KEY "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define MALFORMED_TIMESTAMP "1409659813"
#define MALFORMED_NONCE "1372623149"

enum malformed_source {
    MALFORMED_SEALED,     /* `text` is the message, honestly encrypted */
    MALFORMED_SEALED_BAD, /* the same with another AES key */
    MALFORMED_FRAME,      /* `text` is the message; length and padding are as given */
    MALFORMED_VERBATIM,   /* `text` stands in the place of the ciphertext */
};

/* In query, body and text: $S the right signature, $U in upper case, $C cut by its last character,
 * $W made with another token, $E the ciphertext, $P percent-encoded, $Q that twice, $+ with its '+'
 * sent as blanks, $R `repeat` so many `times`, $0 a NUL byte. */
struct malformed_callback {
    const char *name;
    bool get;             /* a verification with echostr; otherwise a POST */
    const char *query;    /* NULL: as WeCom sends it */
    const char *body;     /* NULL: as WeCom sends it */
    const char *text;     /* NULL: a good update_user */
    const char *receiver; /* NULL: the right one */
    const char *repeat;
    size_t times;
    enum malformed_source source;
    int length_off; /* FRAME: added to the true length of the message */
    int pad;        /* FRAME: the value of the padding's bytes; -1: as it should be */
    enum yq_refusal refusal;
};

#define REFUSED(reason) .refusal = YQ_REFUSAL_##reason
#define UNKNOWN .refusal = YQ_REFUSAL_NONE
#define TS "timestamp=" MALFORMED_TIMESTAMP
#define NO "nonce=" MALFORMED_NONCE
#define ENCRYPT "<Encrypt><![CDATA[$E]]></Encrypt>"
#define CONTACT(rest)                                                                              \
    "<xml><ToUserName>" MALFORMED_RECEIVER "</ToUserName><FromUserName>sys</FromUserName>"         \
    "<CreateTime>1767225600</CreateTime><MsgType>event</MsgType>"                                  \
    "<Event>change_contact</Event>" rest "</xml>"
#define CHANGE(type, rest) CONTACT("<ChangeType>" type "</ChangeType>" rest)

static const char malformed_good_text[] =
    CHANGE("update_user", "<UserID>li.na</UserID><Department>7</Department>");

/* The control: without a fault the same way leads to a member.updated. */
static const struct malformed_callback well_formed_delivery = {"well-formed delivery", UNKNOWN};
static const struct malformed_callback well_formed_verification = {
    "well-formed verification", .get = true, .text = "1616140317555161061", UNKNOWN};

/* clang-format off */
static const struct malformed_callback malformed_callbacks[] = {
    /* The query of a delivery. */
    {"no query", .query = "", REFUSED(QUERY)},
    {"a query of separators", .query = "&&=&==&", REFUSED(QUERY)},
    {"no msg_signature", .query = TS "&" NO, REFUSED(QUERY)},
    {"no timestamp", .query = "msg_signature=$S&" NO, REFUSED(QUERY)},
    {"no nonce", .query = "msg_signature=$S&" TS, REFUSED(QUERY)},
    {"empty msg_signature", .query = "msg_signature=&" TS "&" NO, REFUSED(QUERY)},
    {"msg_signature without a value", .query = "msg_signature&" TS "&" NO, REFUSED(QUERY)},
    {"empty timestamp", .query = "msg_signature=$S&timestamp=&" NO, REFUSED(QUERY)},
    {"empty nonce", .query = "msg_signature=$S&" TS "&nonce=", REFUSED(QUERY)},
    {"escape cut short", .query = "msg_signature=$S&" TS "&" NO "%4", REFUSED(QUERY)},
    {"escape without digits", .query = "msg_signature=$S&" TS "%&" NO, REFUSED(QUERY)},
    {"escape that is not hexadecimal", .query = "msg_signature=$S&" TS "%4g&" NO, REFUSED(QUERY)},
    {"escape with a sign", .query = "msg_signature=$S&" TS "&" NO "%+1", REFUSED(QUERY)},
    {"names in upper case", .query = "MSG_SIGNATURE=$S&TIMESTAMP=1&NONCE=1", REFUSED(QUERY)},
    {"the plain signature of other platforms", .query = "signature=$S&" TS "&" NO, REFUSED(QUERY)},
    {"semicolons instead of ampersands", .query = "msg_signature=$S;" TS ";" NO, REFUSED(QUERY)},
    {"name with an escape", .query = "msg%5Fsignature=$S&" TS "&" NO, REFUSED(QUERY)},
    {"signature too long", .query = "msg_signature=$R&" TS "&" NO, .repeat = "0", .times = 200, REFUSED(QUERY)},
    {"timestamp too long", .query = "msg_signature=$S&timestamp=$R&" NO, .repeat = "1", .times = 33, REFUSED(QUERY)},
    {"nonce too long", .query = "msg_signature=$S&" TS "&nonce=$R", .repeat = "1", .times = 129, REFUSED(QUERY)},
    {"first of two nonces is broken", .query = "msg_signature=$S&" TS "&nonce=%zz&" NO, REFUSED(QUERY)},

    /* The signature. */
    {"signature of zeros", .query = "msg_signature=$R&" TS "&" NO, .repeat = "0", .times = 40, REFUSED(SIGNATURE)},
    {"signature in upper case", .query = "msg_signature=$U&" TS "&" NO, REFUSED(SIGNATURE)},
    {"signature cut short", .query = "msg_signature=$C&" TS "&" NO, REFUSED(SIGNATURE)},
    {"signature with one digit more", .query = "msg_signature=${S}0&" TS "&" NO, REFUSED(SIGNATURE)},
    {"signature with a NUL behind it", .query = "msg_signature=$S%00&" TS "&" NO, REFUSED(SIGNATURE)},
    {"signature made with another token", .query = "msg_signature=$W&" TS "&" NO, REFUSED(SIGNATURE)},
    {"one signature character", .query = "msg_signature=a&" TS "&" NO, REFUSED(SIGNATURE)},
    {"timestamp one second later", .query = "msg_signature=$S&timestamp=1409659814&" NO, REFUSED(SIGNATURE)},
    {"nonce one higher", .query = "msg_signature=$S&" TS "&nonce=1372623150", REFUSED(SIGNATURE)},
    {"nonce with a blank", .query = "msg_signature=$S&" TS "&" NO "%20", REFUSED(SIGNATURE)},
    {"nonce escaped twice", .query = "msg_signature=$S&" TS "&nonce=%2531372623149", REFUSED(SIGNATURE)},
    {"first of two signatures is wrong", .query = "msg_signature=0&msg_signature=$S&" TS "&" NO, REFUSED(SIGNATURE)},
    {"first of two nonces is wrong", .query = "msg_signature=$S&" TS "&nonce=1&" NO, REFUSED(SIGNATURE)},
    {"ciphertext with a character more than was signed", .body = "<xml><Encrypt>${E}A</Encrypt></xml>", REFUSED(SIGNATURE)},
    {"first of two Encrypt is another", .body = "<xml><Encrypt>AAAA</Encrypt>" ENCRYPT "</xml>", REFUSED(SIGNATURE)},

    /* Verification. */
    {"no echostr", .get = true, .query = "msg_signature=$S&" TS "&" NO, REFUSED(QUERY)},
    {"empty echostr", .get = true, .query = "msg_signature=$S&" TS "&" NO "&echostr=", REFUSED(QUERY)},
    {"echostr with a broken escape", .get = true, .query = "msg_signature=$S&" TS "&" NO "&echostr=$P%", REFUSED(QUERY)},
    {"echostr too long", .get = true, .source = MALFORMED_VERBATIM, .text = "$R", .repeat = "AAAA", .times = 1025, REFUSED(QUERY)},
    {"echostr with another signature", .get = true, .query = "msg_signature=$W&" TS "&" NO "&echostr=$P", REFUSED(SIGNATURE)},
    {"echostr escaped twice", .get = true, .query = "msg_signature=$S&" TS "&" NO "&echostr=$Q", REFUSED(SIGNATURE)},
    {"echostr with blanks for its plus signs", .get = true, .text = "$R", .repeat = "0123456789", .times = 30, .query = "msg_signature=$S&" TS "&" NO "&echostr=$+", REFUSED(SIGNATURE)},
    {"echostr is not Base64", .get = true, .source = MALFORMED_VERBATIM, .text = "hello", REFUSED(CIPHERTEXT)},
    {"echostr in the alphabet of URLs", .get = true, .source = MALFORMED_VERBATIM, .text = "P9nAzCzyDtyTWESHep1vC5X9xho_qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp-4RPcs8TgAE7OaBO-FZXvnaqQ==", REFUSED(CIPHERTEXT)},
    {"echostr for another company", .get = true, .receiver = "wx0000000000000000", REFUSED(RECEIVER)},

    /* The envelope. */
    {"empty body", .body = "", REFUSED(ENVELOPE)},
    {"body of blanks", .body = " \r\n\t ", REFUSED(ENVELOPE)},
    {"body of one NUL", .body = "$0", REFUSED(ENVELOPE)},
    {"body is text", .body = "success", REFUSED(ENVELOPE)},
    {"body is the bare ciphertext", .body = "$E", REFUSED(ENVELOPE)},
    {"body is a form", .body = "Encrypt=$P", REFUSED(ENVELOPE)},
    {"envelope cut in a tag", .body = "<xml>" ENCRYPT "</xm", REFUSED(ENVELOPE)},
    {"envelope cut in CDATA", .body = "<xml><Encrypt><![CDATA[$E", REFUSED(ENVELOPE)},
    {"tags that cross", .body = "<xml><Encrypt>$E</xml></Encrypt>", REFUSED(ENVELOPE)},
    {"root is not xml", .body = "<html>" ENCRYPT "</html>", REFUSED(ENVELOPE)},
    {"root in upper case", .body = "<XML>" ENCRYPT "</XML>", REFUSED(ENVELOPE)},
    {"two roots", .body = "<xml>" ENCRYPT "</xml><xml/>", REFUSED(ENVELOPE)},
    {"text behind the root", .body = "<xml>" ENCRYPT "</xml>x", REFUSED(ENVELOPE)},
    {"NUL behind the root", .body = "<xml>" ENCRYPT "</xml>$0", REFUSED(ENVELOPE)},
    {"no Encrypt", .body = "<xml><ToUserName>" MALFORMED_RECEIVER "</ToUserName></xml>", REFUSED(ENVELOPE)},
    {"empty root", .body = "<xml/>", REFUSED(ENVELOPE)},
    {"empty Encrypt", .body = "<xml><Encrypt/></xml>", REFUSED(ENVELOPE)},
    {"Encrypt of blanks", .body = "<xml><Encrypt> <![CDATA[  ]]> </Encrypt></xml>", REFUSED(ENVELOPE)},
    {"encrypt in lower case", .body = "<xml><encrypt>$E</encrypt></xml>", REFUSED(ENVELOPE)},
    {"Encrypt is an attribute", .body = "<xml Encrypt=\"$E\"/>", REFUSED(ENVELOPE)},
    {"Encrypt one level too deep", .body = "<xml><a>" ENCRYPT "</a></xml>", REFUSED(ENVELOPE)},
    {"Encrypt holds elements", .body = "<xml><Encrypt><a>$E</a></Encrypt></xml>", REFUSED(ENVELOPE)},
    {"Encrypt in a comment", .body = "<xml><!--" ENCRYPT "--></xml>", REFUSED(ENVELOPE)},
    {"a DOCTYPE", .body = "<!DOCTYPE xml><xml>" ENCRYPT "</xml>", REFUSED(ENVELOPE)},
    {"a DOCTYPE elsewhere", .body = "<!DOCTYPE xml SYSTEM \"http://127.0.0.1/x.dtd\"><xml>" ENCRYPT "</xml>", REFUSED(ENVELOPE)},
    {"an entity of a file", .body = "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><Encrypt>&e;</Encrypt></xml>", REFUSED(ENVELOPE)},
    {"entities that multiply", .body = "<!DOCTYPE xml [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><xml><Encrypt>&b;</Encrypt></xml>", REFUSED(ENVELOPE)},
    {"an entity nobody declared", .body = "<xml><Encrypt>&e;</Encrypt></xml>", REFUSED(ENVELOPE)},
    {"an encoding nobody knows", .body = "<?xml version=\"1.0\" encoding=\"x-none\"?><xml>" ENCRYPT "</xml>", REFUSED(ENVELOPE)},
    {"bytes that are not UTF-8", .body = "<xml><a>\xc3\x28</a>" ENCRYPT "</xml>", REFUSED(ENVELOPE)},
    {"too deep", .body = "<xml>$R" ENCRYPT "</xml>", .repeat = "<a>", .times = 8, REFUSED(ENVELOPE)},
    {"thousands of open elements", .body = "<xml>$R", .repeat = "<a>", .times = 20000, REFUSED(ENVELOPE)},
    {"too many elements", .body = "<xml>$R" ENCRYPT "</xml>", .repeat = "<a/>", .times = 2047, REFUSED(ENVELOPE)},
    {"an array of JSON", .body = "[{\"encrypt\":\"$E\"}]", REFUSED(ENVELOPE)},
    {"JSON cut short", .body = "{\"encrypt\":\"$E\"", REFUSED(ENVELOPE)},
    {"JSON with something behind it", .body = "{\"encrypt\":\"$E\"}}", REFUSED(ENVELOPE)},
    {"JSON without encrypt", .body = "{\"tousername\":\"" MALFORMED_RECEIVER "\"}", REFUSED(ENVELOPE)},
    {"JSON with encrypt in other letters", .body = "{\"ENCRYPT\":\"$E\"}", REFUSED(ENVELOPE)},
    {"JSON with empty encrypt", .body = "{\"encrypt\":\"\"}", REFUSED(ENVELOPE)},
    {"JSON with a number for encrypt", .body = "{\"encrypt\":7}", REFUSED(ENVELOPE)},
    {"JSON with null for encrypt", .body = "{\"encrypt\":null}", REFUSED(ENVELOPE)},
    {"JSON with a list for encrypt", .body = "{\"encrypt\":[\"$E\"]}", REFUSED(ENVELOPE)},
    {"JSON with encrypt one level too deep", .body = "{\"xml\":{\"encrypt\":\"$E\"}}", REFUSED(ENVELOPE)},
    {"JSON with an escaped NUL", .body = "{\"encrypt\":\"$E\\u0000\"}", REFUSED(ENVELOPE)},
    {"JSON nested without end", .body = "{\"a\":$R", .repeat = "[", .times = 5000, REFUSED(ENVELOPE)},

    /* The cipher, properly signed. */
    {"ciphertext with a foreign character", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!=", REFUSED(CIPHERTEXT)},
    {"ciphertext with a blank", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA=", REFUSED(CIPHERTEXT)},
    {"ciphertext with a line end", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAA=", REFUSED(CIPHERTEXT)},
    {"ciphertext without its padding character", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", REFUSED(CIPHERTEXT)},
    {"ciphertext with padding in the middle", .source = MALFORMED_VERBATIM, .text = "AAA=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", REFUSED(CIPHERTEXT)},
    {"ciphertext of padding characters", .source = MALFORMED_VERBATIM, .text = "====", REFUSED(CIPHERTEXT)},
    {"ciphertext with surplus bits", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", REFUSED(CIPHERTEXT)},
    {"ciphertext of 16 bytes", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAA==", REFUSED(CIPHERTEXT)},
    {"ciphertext of 33 bytes", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", REFUSED(CIPHERTEXT)},
    {"ciphertext of 31 bytes", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", REFUSED(CIPHERTEXT)},
    {"ciphertext of zeros", .source = MALFORMED_VERBATIM, .text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", REFUSED(CIPHERTEXT)},
    {"the plain text instead of a ciphertext", .source = MALFORMED_VERBATIM, .text = "update_user", REFUSED(CIPHERTEXT)},
    {"another AES key", .source = MALFORMED_SEALED_BAD, REFUSED(CIPHERTEXT)},
    {"padding of 0", .source = MALFORMED_FRAME, .pad = 0, REFUSED(CIPHERTEXT)},
    {"padding of 33", .source = MALFORMED_FRAME, .pad = 33, REFUSED(CIPHERTEXT)},
    {"padding of 255", .source = MALFORMED_FRAME, .pad = 255, REFUSED(CIPHERTEXT)},
    {"padding that reaches into the length", .source = MALFORMED_FRAME, .text = "", .receiver = "", .pad = 13, REFUSED(CIPHERTEXT)},
    {"padding that eats all", .source = MALFORMED_FRAME, .text = "", .receiver = "", .pad = 32, REFUSED(CIPHERTEXT)},
    {"message one byte longer than its frame", .source = MALFORMED_FRAME, .receiver = "", .pad = -1, .length_off = 1, REFUSED(CIPHERTEXT)},
    {"message of 4 GiB", .source = MALFORMED_FRAME, .text = "", .pad = 1, .length_off = -1, REFUSED(CIPHERTEXT)},
    {"message of 2 GiB", .source = MALFORMED_FRAME, .text = "", .pad = 1, .length_off = -2147483647 - 1, REFUSED(CIPHERTEXT)},
    {"message that swallows its receive id", .source = MALFORMED_FRAME, .pad = -1, .length_off = 18, REFUSED(RECEIVER)},
    {"receive id of another company", .receiver = "wx0000000000000000", REFUSED(RECEIVER)},
    {"no receive id", .receiver = "", REFUSED(RECEIVER)},
    {"receive id with something behind it", .receiver = MALFORMED_RECEIVER "0", REFUSED(RECEIVER)},
    {"receive id cut short", .receiver = "wx5823bf96d3bd56c", REFUSED(RECEIVER)},
    {"receive id in upper case", .receiver = "WX5823BF96D3BD56C7", REFUSED(RECEIVER)},

    /* Authentic, but not understood. */
    {"empty message", .text = "", UNKNOWN},
    {"message of blanks", .text = " \n ", UNKNOWN},
    {"message is a number", .text = "1616140317555161061", UNKNOWN},
    {"message with a NUL", .text = "<xml>$0</xml>", UNKNOWN},
    {"message cut short", .text = "<xml><MsgType>event</MsgType><Event>change_con", UNKNOWN},
    {"message with another root", .text = "<event><Event>change_contact</Event></event>", UNKNOWN},
    {"message with a DOCTYPE", .text = "<!DOCTYPE xml>" CHANGE("update_user", "<UserID>li.na</UserID>"), UNKNOWN},
    {"message with an entity of its own", .text = "<!DOCTYPE xml [<!ENTITY u \"li.na\">]>" CHANGE("update_user", "<UserID>&u;</UserID>"), UNKNOWN},
    {"message too deep", .text = CHANGE("update_user", "<UserID>li.na</UserID>$R"), .repeat = "<a>", .times = 8, UNKNOWN},
    {"message with too many elements", .text = CHANGE("update_user", "<UserID>li.na</UserID>$R"), .repeat = "<a/>", .times = 2048, UNKNOWN},
    {"name that is not UTF-8", .text = CHANGE("update_user", "<UserID>li.na</UserID><Name>\xff\xfe</Name>"), UNKNOWN},
    {"name with a surrogate", .text = CHANGE("update_user", "<UserID>li.na</UserID><Name>\xed\xa0\x80</Name>"), UNKNOWN},
    {"name with a control character", .text = CHANGE("update_user", "<UserID>li.na</UserID><Name>a\x01</Name>"), UNKNOWN},
    {"name with a reference to NUL", .text = CHANGE("update_user", "<UserID>li.na</UserID><Name>&#0;</Name>"), UNKNOWN},
    {"name with a reference to a control character", .text = CHANGE("update_user", "<UserID>li.na</UserID><Name>&#7;</Name>"), UNKNOWN},
    {"the invalid JSON of the published sample", .text = "{ \"ToUserName\": \"wx5823bf96d3bd56c7\", \"FromUserName\": :mycreate\" }", UNKNOWN},
    {"JSON message that is not UTF-8", .text = "{\"MsgType\":\"event\",\"Event\":\"change_contact\",\"ChangeType\":\"update_user\",\"UserID\":\"li.na\",\"Name\":\"\xff\"}", UNKNOWN},
    {"JSON message with a NUL", .text = "{\"MsgType\":\"event\",\"Event\":\"change_contact\",\"ChangeType\":\"update_user\",\"UserID\":\"li.na$0\"}", UNKNOWN},
    {"JSON message without a userid", .text = "{\"MsgType\":\"event\",\"Event\":\"change_contact\",\"ChangeType\":\"update_user\"}", UNKNOWN},
    {"JSON message with an object for a userid", .text = "{\"MsgType\":\"event\",\"Event\":\"change_contact\",\"ChangeType\":\"update_user\",\"UserID\":{\"a\":1}}", UNKNOWN},
    {"neither Event nor InfoType", .text = "<xml><MsgType>event</MsgType><ChangeType>update_user</ChangeType><UserID>li.na</UserID></xml>", UNKNOWN},
    {"a chat message", .text = "<xml><FromUserName>li.na</FromUserName><MsgType>text</MsgType><Content>subscribe</Content></xml>", UNKNOWN},
    {"a chat message that calls itself an event", .text = "<xml><FromUserName>li.na</FromUserName><MsgType>text</MsgType><Event>subscribe</Event></xml>", UNKNOWN},
    {"empty Event", .text = "<xml><MsgType>event</MsgType><Event/></xml>", UNKNOWN},
    {"Event nobody knows", .text = "<xml><MsgType>event</MsgType><Event>enter_agent</Event></xml>", UNKNOWN},
    {"Event in other letters", .text = "<xml><MsgType>event</MsgType><Event>CHANGE_CONTACT</Event><ChangeType>update_user</ChangeType><UserID>li.na</UserID></xml>", UNKNOWN},
    {"no ChangeType", .text = CONTACT("<UserID>li.na</UserID>"), UNKNOWN},
    {"ChangeType nobody knows", .text = CHANGE("rename_user", "<UserID>li.na</UserID>"), UNKNOWN},
    {"ChangeType with something behind it", .text = CHANGE("update_users", "<UserID>li.na</UserID>"), UNKNOWN},
    {"no UserID", .text = CHANGE("create_user", "<Name>Li Na</Name>"), UNKNOWN},
    {"empty UserID", .text = CHANGE("delete_user", "<UserID></UserID>"), UNKNOWN},
    {"UserID too long", .text = CHANGE("delete_user", "<UserID>$R</UserID>"), .repeat = "a", .times = 65, UNKNOWN},
    {"UserID with a colon", .text = CHANGE("delete_user", "<UserID>li:na</UserID>"), UNKNOWN},
    {"UserID with a line end", .text = CHANGE("delete_user", "<UserID>li\nna</UserID>"), UNKNOWN},
    {"UserID with a quote", .text = CHANGE("delete_user", "<UserID>li\"na</UserID>"), UNKNOWN},
    {"UserID that begins with a dot", .text = CHANGE("delete_user", "<UserID>.li</UserID>"), UNKNOWN},
    {"UserID that is not ASCII", .text = CHANGE("delete_user", "<UserID>\xe6\x9d\x8e</UserID>"), UNKNOWN},
    {"UserID that holds elements", .text = CHANGE("delete_user", "<UserID><a>li.na</a></UserID>"), UNKNOWN},
    {"no department id", .text = CHANGE("create_party", "<Name>Sales</Name>"), UNKNOWN},
    {"empty department id", .text = CHANGE("delete_party", "<Id/>"), UNKNOWN},
    {"department id 0", .text = CHANGE("delete_party", "<Id>0</Id>"), UNKNOWN},
    {"negative department id", .text = CHANGE("delete_party", "<Id>-2</Id>"), UNKNOWN},
    {"department id with a leading zero", .text = CHANGE("delete_party", "<Id>012</Id>"), UNKNOWN},
    {"department id above 32 bits", .text = CHANGE("delete_party", "<Id>4294967296</Id>"), UNKNOWN},
    {"department id of 30 digits", .text = CHANGE("delete_party", "<Id>$R</Id>"), .repeat = "9", .times = 30, UNKNOWN},
    {"department id in hexadecimal", .text = CHANGE("update_party", "<Id>0x1F</Id>"), UNKNOWN},
    {"a list for a department id", .text = CHANGE("update_party", "<Id>1,2</Id>"), UNKNOWN},
    {"no TagId", .text = CHANGE("update_tag", "<AddUserItems>li.na</AddUserItems>"), UNKNOWN},
    {"TagId is a word", .text = CHANGE("update_tag", "<TagId>five</TagId>"), UNKNOWN},
    {"subscribe by nobody", .text = "<xml><MsgType>event</MsgType><Event>subscribe</Event></xml>", UNKNOWN},
    {"unsubscribe by an impossible userid", .text = "<xml><FromUserName>@all</FromUserName><MsgType>event</MsgType><Event>unsubscribe</Event></xml>", UNKNOWN},
    {"batch job without an id", .text = "<xml><MsgType>event</MsgType><Event>batch_job_result</Event><BatchJob><JobType>sync_user</JobType></BatchJob></xml>", UNKNOWN},
    {"batch job that is no element of elements", .text = "<xml><MsgType>event</MsgType><Event>batch_job_result</Event><BatchJob>1</BatchJob></xml>", UNKNOWN},
    {"an event in the shape of a suite", .text = "<xml><SuiteId>ww1</SuiteId><InfoType>suite_ticket</InfoType><TimeStamp>1767225600</TimeStamp><SuiteTicket>t</SuiteTicket></xml>", UNKNOWN},
};
/* clang-format on */

#define MALFORMED_COUNT (sizeof(malformed_callbacks) / sizeof(malformed_callbacks[0]))

#undef REFUSED
#undef UNKNOWN
#undef TS
#undef NO
#undef ENCRYPT
#undef CONTACT
#undef CHANGE

struct malformed_request {
    bool get;
    struct yq_buf query; /* behind the '?' */
    struct yq_buf body;
};

struct malformed_parts {
    const struct malformed_callback *callback;
    char encrypted[32768];
    char signature[YQ_WECOM_SIGNATURE + 1], foreign[YQ_WECOM_SIGNATURE + 1];
};

static inline struct yq_text malformed_text(const char *text)
{
    return (struct yq_text){text, strlen(text)};
}

static inline void malformed_percent(struct yq_buf *out, const char *text, const char *percent)
{
    for (; *text != '\0'; text++) {
        if (*text == '+' || *text == '/' || *text == '=')
            yq_buf_addf(out, "%s%02X", percent, (unsigned)*text);
        else
            yq_buf_addc(out, *text);
    }
}

static inline void malformed_directive(struct yq_buf *out, char what, struct malformed_parts *p)
{
    size_t mark = out->len;
    switch (what) {
    case 'S':
    case 'U':
        yq_buf_adds(out, p->signature);
        break;
    case 'C':
        yq_buf_add(out, p->signature, YQ_WECOM_SIGNATURE - 1);
        break;
    case 'W':
        yq_buf_adds(out, p->foreign);
        break;
    case 'E':
        yq_buf_adds(out, p->encrypted);
        break;
    case 'P':
        malformed_percent(out, p->encrypted, "%");
        break;
    case 'Q':
        malformed_percent(out, p->encrypted, "%25");
        break;
    case '+':
        if (strchr(p->encrypted, '+') == NULL)
            abort(); /* the row would test nothing */
        for (const char *c = p->encrypted; *c != '\0'; c++)
            yq_buf_adds(out, *c == '+' ? "%20" : (char[]){*c, '\0'});
        break;
    case 'R':
        for (size_t i = 0; i < p->callback->times; i++)
            yq_buf_adds(out, p->callback->repeat);
        break;
    case '0':
        yq_buf_addc(out, '\0');
        break;
    default:
        abort();
    }
    for (; what == 'U' && mark < out->len; mark++) {
        if (out->data[mark] >= 'a')
            out->data[mark] = (char)(out->data[mark] - 'a' + 'A');
    }
}

/* "$S" and "${S}" alike. */
static inline void malformed_expand(struct yq_buf *out, const char *text, struct malformed_parts *p)
{
    for (; *text != '\0'; text++) {
        if (*text != '$') {
            yq_buf_addc(out, *text);
            continue;
        }
        bool braces = *++text == '{';
        text += braces;
        malformed_directive(out, *text, p);
        text += braces;
    }
}

/* Random bytes, length, message, receive id, and padding of the wanted value up to 32 bytes. */
static inline void malformed_frame(const uint8_t *key, struct yq_buf *message, const char *receiver,
                                   struct malformed_parts *p)
{
    struct yq_buf frame = YQ_BUF_INIT;
    uint32_t len = (uint32_t)message->len + (uint32_t)p->callback->length_off;
    yq_buf_adds(&frame, "0123456789abcdef");
    yq_buf_add(
        &frame,
        (uint8_t[]){(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len},
        4);
    yq_buf_add(&frame, yq_buf_text(message), message->len);
    yq_buf_adds(&frame, receiver);
    size_t missing = 32 - frame.len % 32;
    for (size_t i = 0; i < missing; i++)
        yq_buf_addc(&frame, (char)(p->callback->pad < 0 ? (int)missing : p->callback->pad));
    (void)cipher_blocks(key, (const uint8_t *)frame.data, frame.len, p->encrypted);
    yq_buf_release(&frame);
}

static inline void malformed_encrypt(struct yq_wecom_crypt *crypt, struct malformed_parts *p)
{
    const struct malformed_callback *m = p->callback;
    const char *receiver = m->receiver != NULL ? m->receiver : MALFORMED_RECEIVER;
    const char *key_text =
        m->source == MALFORMED_SEALED_BAD ? MALFORMED_OTHER_KEY : MALFORMED_AES_KEY;
    uint8_t key[YQ_WECOM_AES_KEY];
    struct yq_buf message = YQ_BUF_INIT;
    malformed_expand(&message, m->text != NULL ? m->text : malformed_good_text, p);
    struct yq_text sealed = {yq_buf_text(&message), message.len}; /* VERBATIM */
    if (yq_wecom_key(key_text, strlen(key_text), key) != 0)
        abort();
    if (m->source == MALFORMED_FRAME) {
        malformed_frame(key, &message, receiver, p);
        sealed = malformed_text(p->encrypted);
    } else if (m->source != MALFORMED_VERBATIM &&
               yq_wecom_seal(crypt, key, (const uint8_t *)"0123456789abcdef", sealed,
                             malformed_text(receiver), &sealed) != YQ_CRYPT_OK) {
        abort();
    }
    if (sealed.len >= sizeof(p->encrypted))
        abort();
    memmove(p->encrypted, sealed.data, sealed.len);
    p->encrypted[sealed.len] = '\0';
    yq_buf_release(&message);
}

static inline void malformed_build(const struct malformed_callback *m,
                                   struct malformed_request *ret)
{
    struct yq_wecom_crypt *crypt = yq_wecom_crypt_new();
    struct malformed_parts *p = calloc(1, sizeof(*p));
    struct yq_text timestamp = malformed_text(MALFORMED_TIMESTAMP);
    struct yq_text nonce = malformed_text(MALFORMED_NONCE);
    if (crypt == NULL || p == NULL)
        abort();
    p->callback = m;
    malformed_encrypt(crypt, p);
    struct yq_text encrypted = malformed_text(p->encrypted);
    if (yq_wecom_sign(crypt, malformed_text(MALFORMED_TOKEN), timestamp, nonce, encrypted,
                      p->signature) != 0 ||
        yq_wecom_sign(crypt, malformed_text("other"), timestamp, nonce, encrypted, p->foreign) != 0)
        abort();
    const char *query = m->query;
    if (query == NULL)
        query = m->get ? "msg_signature=$S&timestamp=" MALFORMED_TIMESTAMP "&nonce=" MALFORMED_NONCE
                         "&echostr=$P"
                       : "msg_signature=$S&timestamp=" MALFORMED_TIMESTAMP
                         "&nonce=" MALFORMED_NONCE;
    const char *body = m->body;
    if (body == NULL)
        body = m->get ? ""
                      : "<xml><ToUserName><![CDATA[" MALFORMED_RECEIVER "]]></ToUserName>"
                        "<Encrypt><![CDATA[$E]]></Encrypt><AgentID><![CDATA[]]></AgentID></xml>";
    *ret = (struct malformed_request){.get = m->get};
    malformed_expand(&ret->query, query, p);
    malformed_expand(&ret->body, body, p);
    yq_wecom_crypt_free(crypt);
    free(p);
}

static inline void malformed_release(struct malformed_request *r)
{
    yq_buf_release(&r->query);
    yq_buf_release(&r->body);
}

#endif
