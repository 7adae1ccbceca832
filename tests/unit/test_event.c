/* Decrypted texts and the events they become: every ChangeType, full and trimmed, and the quirks of
 * real traffic (wecom.md §2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct yq_event_reader *reader;
static struct yq_event event;
static const char *why;

static int set_up(void **state)
{
    (void)state;
    reader = yq_event_reader_new();
    yq_event_init(&event);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    yq_event_release(&event);
    yq_event_release(NULL);
    yq_event_reader_free(reader);
    yq_event_reader_free(NULL);
    return 0;
}

static void read_text(const char *text, size_t len)
{
    why = "untouched";
    yq_event_read(reader, text, len, &event, &why);
    assert_int_equal(event.raw.len, len);
    assert_memory_equal(yq_buf_text(&event.raw), text, len);
    assert_string_equal(event.source, "callback");
    cJSON *data = yq_json_parse(yq_buf_text(&event.data), event.data.len, NULL);
    assert_true(cJSON_IsObject(data)); /* whatever came in, `data` is JSON */
    cJSON_Delete(data);
}

static void expect(const char *text, enum yq_event_kind kind, const char *subject, const char *data)
{
    char form[YQ_SUBJECT_MAX];
    read_text(text, strlen(text));
    if (event.kind != kind)
        fail_msg("%s instead of %s (%s): %s", yq_event_kind_name(event.kind),
                 yq_event_kind_name(kind), why != NULL ? why : "-", text);
    assert_true((why != NULL) == (kind == YQ_EVENT_UNKNOWN));
    yq_subject_format(&event.subject, form);
    assert_string_equal(form, subject);
    assert_string_equal(yq_buf_text(&event.data), data);
}

static void expect_unknown(const char *text, const char *reason)
{
    expect(text, YQ_EVENT_UNKNOWN, "all", "{}");
    assert_string_equal(why, reason);
}

#define HEAD                                                                                       \
    "<ToUserName><![CDATA[wwdemo00000000001]]></ToUserName>\n"                                     \
    "<FromUserName><![CDATA[sys]]></FromUserName>\n<CreateTime>1767225600</CreateTime>\n"          \
    "<MsgType><![CDATA[event]]></MsgType>\n<Event><![CDATA[change_contact]]></Event>\n"
#define CHANGE(type, rest)                                                                         \
    "<xml>\n" HEAD "<ChangeType><![CDATA[" type "]]></ChangeType>\n" rest "</xml>"

#define FULL_MEMBER                                                                                \
    "<UserID><![CDATA[li.na]]></UserID>\n<Name><![CDATA[\xe6\x9d\x8e\xe5\xa8\x9c]]></Name>\n"      \
    "<Department><![CDATA[7,12]]></Department>\n<MainDepartment>12</MainDepartment>\n"             \
    "<IsLeaderInDept><![CDATA[0,1]]></IsLeaderInDept>\n"                                           \
    "<DirectLeader><![CDATA[wang.wei,zhao.liu]]></DirectLeader>\n"                                 \
    "<Position><![CDATA[Team lead]]></Position>\n<Mobile>13800000000</Mobile>\n"                   \
    "<Gender>1</Gender>\n<Email><![CDATA[lina@example.com]]></Email>\n"                            \
    "<BizMail><![CDATA[lina@biz.example.com]]></BizMail>\n<Status>1</Status>\n"                    \
    "<Avatar><![CDATA[http://wx.qlogo.cn/mmopen/0]]></Avatar>\n<Alias><![CDATA[lina]]></Alias>\n"  \
    "<Telephone><![CDATA[020-123456]]></Telephone>\n<Address><![CDATA[Guangzhou]]></Address>\n"    \
    "<ExtAttr><Item><Name><![CDATA[hobby]]></Name><Type>0</Type>"                                  \
    "<Text><Value><![CDATA[travel]]></Value></Text></Item>"                                        \
    "<Item><Name>old</Name><Value>v</Value><Text><Value>v</Value></Text></Item></ExtAttr>\n"
#define FULL_MEMBER_DATA                                                                           \
    "{\"userid\":\"li.na\",\"name\":\"\xe6\x9d\x8e\xe5\xa8\x9c\",\"departments\":[7,12],"          \
    "\"leader_in\":[0,1],\"main_department\":12,\"direct_leaders\":[\"wang.wei\",\"zhao.liu\"],"   \
    "\"position\":\"Team lead\",\"mobile\":\"13800000000\",\"email\":\"lina@example.com\","        \
    "\"gender\":\"1\",\"status\":1,\"alias\":\"lina\",\"telephone\":\"020-123456\"}"

static void test_members_in_full(void **state)
{
    (void)state;
    expect(CHANGE("create_user", FULL_MEMBER), YQ_EVENT_MEMBER_CREATED, "member:li.na",
           FULL_MEMBER_DATA);
    assert_int_equal(event.at, 1767225600);
    expect(CHANGE("update_user", FULL_MEMBER), YQ_EVENT_MEMBER_UPDATED, "member:li.na",
           FULL_MEMBER_DATA);
    expect(CHANGE("update_user", "<UserID>li.na</UserID><NewUserID>lina2</NewUserID>"
                                 "<Department>7,12</Department><Status>4</Status>"),
           YQ_EVENT_MEMBER_UPDATED, "member:li.na", /* the old id */
           "{\"userid\":\"li.na\",\"new_userid\":\"lina2\",\"departments\":[7,12],\"status\":4}");
    expect(CHANGE("delete_user", "<UserID><![CDATA[zhao.liu]]></UserID>\n"),
           YQ_EVENT_MEMBER_DELETED, "member:zhao.liu", "{\"userid\":\"zhao.liu\"}");
}

static void test_departments_in_full(void **state)
{
    (void)state;
    expect(CHANGE("create_party", "<Id>12</Id><Name><![CDATA[Sales & \"more\"]]></Name>"
                                  "<ParentId><![CDATA[1]]></ParentId><Order>1</Order>"),
           YQ_EVENT_DEPARTMENT_CREATED, "department:12",
           "{\"id\":12,\"name\":\"Sales & \\\"more\\\"\",\"parent\":1,\"order\":1}");
    expect(
        CHANGE("update_party", "<Id><![CDATA[12]]></Id><Name>North</Name><ParentId>7</ParentId>"),
        YQ_EVENT_DEPARTMENT_UPDATED, "department:12",
        "{\"id\":12,\"name\":\"North\",\"parent\":7}");
    expect(CHANGE("update_party", "<Id>12</Id><Name>North</Name>"), YQ_EVENT_DEPARTMENT_UPDATED,
           "department:12", "{\"id\":12,\"name\":\"North\"}");
    expect(CHANGE("delete_party", "<Id>4294967295</Id>"), YQ_EVENT_DEPARTMENT_DELETED,
           "department:4294967295", "{\"id\":4294967295}");
    expect(CHANGE("create_party", "<Id>2</Id><ParentId>0</ParentId><Order>4294967295</Order>"),
           YQ_EVENT_DEPARTMENT_CREATED, "department:2",
           "{\"id\":2,\"parent\":0,\"order\":4294967295}");
}

static void test_tags(void **state)
{
    (void)state;
    expect(CHANGE("update_tag", "<TagId>5</TagId><AddUserItems><![CDATA[li.na,wang.wei]]>"
                                "</AddUserItems><DelUserItems><![CDATA[]]></DelUserItems>"
                                "<AddPartyItems><![CDATA[12]]></AddPartyItems>"
                                "<DelPartyItems><![CDATA[]]></DelPartyItems>"),
           YQ_EVENT_TAG_UPDATED, "tag:5",
           "{\"id\":5,\"add_members\":[\"li.na\",\"wang.wei\"],\"remove_members\":[],"
           "\"add_departments\":[12],\"remove_departments\":[]}");
    expect(CHANGE("update_tag", "<TagId>5</TagId><DelPartyItems>3,4</DelPartyItems>"),
           YQ_EVENT_TAG_UPDATED, "tag:5", "{\"id\":5,\"remove_departments\":[3,4]}");
    expect(CHANGE("update_tag", "<TagId>5</TagId>"), YQ_EVENT_TAG_UPDATED, "tag:5", "{\"id\":5}");
}

/* wecom.md §2.3. */
static void test_trimmed(void **state)
{
    (void)state;
    expect(CHANGE("create_user", "<UserID>a</UserID><Department>7</Department>"),
           YQ_EVENT_MEMBER_CREATED, "member:a", "{\"userid\":\"a\",\"departments\":[7]}");
    expect(CHANGE("update_user", "<UserID>a</UserID><Department>7,8</Department>"
                                 "<NewUserID>b</NewUserID>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"new_userid\":\"b\",\"departments\":[7,8]}");
    expect(CHANGE("delete_user", "<UserID>a</UserID>"), YQ_EVENT_MEMBER_DELETED, "member:a",
           "{\"userid\":\"a\"}");
    expect(CHANGE("create_party", "<Id>30</Id><ParentId>1</ParentId>"), YQ_EVENT_DEPARTMENT_CREATED,
           "department:30", "{\"id\":30,\"parent\":1}");
    expect(CHANGE("update_party", "<Id>30</Id><ParentId>2</ParentId>"), YQ_EVENT_DEPARTMENT_UPDATED,
           "department:30", "{\"id\":30,\"parent\":2}");
    expect(CHANGE("delete_party", "<Id>30</Id>"), YQ_EVENT_DEPARTMENT_DELETED, "department:30",
           "{\"id\":30}");
}

/* wecom.md §2.1.1: one creation is three events, the full one last; and the main department alone.
 */
static void test_quirks_of_real_traffic(void **state)
{
    (void)state;
    char digest[YQ_DIGEST_MAX];
    const char *update = CHANGE("update_user", "<UserID>li.na</UserID><Department>7</Department>");
    for (int i = 0; i < 2; i++) {
        expect(update, YQ_EVENT_MEMBER_UPDATED, "member:li.na",
               "{\"userid\":\"li.na\",\"departments\":[7]}");
        if (i > 0)
            assert_string_equal(event.digest, digest);
        strcpy(digest, event.digest);
    }
    expect(CHANGE("create_user", FULL_MEMBER), YQ_EVENT_MEMBER_CREATED, "member:li.na",
           FULL_MEMBER_DATA);
    assert_string_not_equal(event.digest, digest);
    expect(CHANGE("update_user", "<UserID>li.na</UserID><MainDepartment>12</MainDepartment>"),
           YQ_EVENT_MEMBER_UPDATED, "member:li.na",
           "{\"userid\":\"li.na\",\"main_department\":12}");
}

static void test_any_order_and_blanks(void **state)
{
    (void)state;
    expect("<xml><Department> <![CDATA[7,12]]>\n</Department><UserID>\t<![CDATA[li.na]]> </UserID>"
           "<ChangeType>\n update_user </ChangeType><Unknown><a>1</a></Unknown>"
           "<Event> change_contact</Event><MsgType> <![CDATA[event]]></MsgType>"
           "<CreateTime><![CDATA[ 1767225601 ]]></CreateTime><MainDepartment><![CDATA[12]]>"
           "</MainDepartment></xml>\n",
           YQ_EVENT_MEMBER_UPDATED, "member:li.na",
           "{\"userid\":\"li.na\",\"departments\":[7,12],\"main_department\":12}");
    assert_int_equal(event.at, 1767225601);
}

/* Missing is "not said", empty is "cleared". */
static void test_empty_elements(void **state)
{
    (void)state;
    expect(CHANGE("update_user",
                  "<UserID>a</UserID><Name/><Department></Department><DirectLeader><![CDATA[]]>"
                  "</DirectLeader><Position> </Position><Mobile></Mobile><Email/><Gender/><Alias/>"
                  "<Telephone/>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"name\":\"\",\"departments\":[],\"direct_leaders\":[],"
           "\"position\":\"\",\"mobile\":\"\",\"email\":\"\",\"gender\":\"\",\"alias\":\"\","
           "\"telephone\":\"\"}");
    expect(CHANGE("update_user", "<UserID>a</UserID><Department/><IsLeaderInDept/>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"departments\":[],\"leader_in\":[]}");
    /* A number cannot be cleared. */
    expect(CHANGE("update_user", "<UserID>a</UserID><NewUserID/><MainDepartment/><Status/>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a", "{\"userid\":\"a\"}");
    expect(CHANGE("update_party", "<Id>3</Id><Name/><ParentId/><Order/>"),
           YQ_EVENT_DEPARTMENT_UPDATED, "department:3", "{\"id\":3,\"name\":\"\"}");
}

static void test_missing_elements(void **state)
{
    (void)state;
    expect("<xml><Event>change_contact</Event><ChangeType>delete_user</ChangeType>"
           "<UserID>a</UserID></xml>",
           YQ_EVENT_MEMBER_DELETED, "member:a", "{\"userid\":\"a\"}");
    assert_int_equal(event.at, 0);
    static const char *const times[] = {"", "-1", "12x", "1e9", "9999999999999999999"};
    for (size_t i = 0; i < COUNT(times); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "<xml><CreateTime>%s</CreateTime><Event>change_contact</Event>"
                       "<ChangeType>delete_party</ChangeType><Id>3</Id></xml>",
                       times[i]);
        expect(text, YQ_EVENT_DEPARTMENT_DELETED, "department:3", "{\"id\":3}");
        assert_int_equal(event.at, 0);
    }
}

static void test_legacy_names(void **state)
{
    (void)state;
    expect(CHANGE("update_user",
                  "<UserID>a</UserID><Department>7</Department><IsLeader>1</IsLeader>"
                  "<EnglishName>Ann</EnglishName>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"departments\":[7],\"leader_in\":[1],\"alias\":\"Ann\"}");
    expect(CHANGE("update_user",
                  "<EnglishName>Ann</EnglishName><Alias>New</Alias><UserID>a</UserID>"
                  "<IsLeader>1</IsLeader><IsLeaderInDept>0</IsLeaderInDept>"
                  "<Department>7</Department>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"departments\":[7],\"leader_in\":[0],\"alias\":\"New\"}");
}

/* What is malformed inside a good event is left out: unknown, never wrong. */
static void test_malformed_values(void **state)
{
    (void)state;
    static const char *const departments[] = {"7,x",        "7,,12", "7,12,", ",",     "-7",
                                              "4294967296", "07",    "7;12",  "7, 1 2"};
    for (size_t i = 0; i < COUNT(departments); i++) {
        char text[1024];
        (void)snprintf(text, sizeof(text),
                       CHANGE("update_user", "<UserID>a</UserID><Department>%s</Department>"
                                             "<IsLeaderInDept>0,1</IsLeaderInDept>"),
                       departments[i]);
        expect(text, YQ_EVENT_MEMBER_UPDATED, "member:a", "{\"userid\":\"a\"}");
    }
    expect(CHANGE("update_user", "<UserID>a</UserID><Department>7, 12</Department>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a", "{\"userid\":\"a\",\"departments\":[7,12]}");
    static const char *const flags[] = {"0", "0,1,0", "0,2", "0,x", "", "true,false"};
    for (size_t i = 0; i < COUNT(flags); i++) {
        char text[1024];
        (void)snprintf(text, sizeof(text),
                       CHANGE("update_user", "<UserID>a</UserID><Department>7,12</Department>"
                                             "<IsLeaderInDept>%s</IsLeaderInDept>"),
                       flags[i]);
        expect(text, YQ_EVENT_MEMBER_UPDATED, "member:a",
               "{\"userid\":\"a\",\"departments\":[7,12]}");
    }
    expect(CHANGE("update_user", "<UserID>a</UserID><IsLeaderInDept>1</IsLeaderInDept>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a", "{\"userid\":\"a\"}");
    expect(CHANGE("update_user", "<UserID>a</UserID><MainDepartment>x</MainDepartment>"
                                 "<Status>-1</Status><NewUserID>b c</NewUserID>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a", "{\"userid\":\"a\"}");
    expect(CHANGE("update_user", "<UserID>a</UserID><DirectLeader>b,.x, c ,,d/e</DirectLeader>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"direct_leaders\":[\"b\",\"c\"]}");
    /* Nothing is left of it: that is not "cleared". */
    expect(CHANGE("update_user", "<UserID>a</UserID><DirectLeader>.x,\"</DirectLeader>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a", "{\"userid\":\"a\"}");
    expect(CHANGE("update_tag", "<TagId>5</TagId><AddUserItems>@all,b</AddUserItems>"
                                "<AddPartyItems>3,y</AddPartyItems>"),
           YQ_EVENT_TAG_UPDATED, "tag:5", "{\"id\":5,\"add_members\":[\"b\"]}");
    /* A value that holds elements was not said. */
    expect(CHANGE("update_user", "<UserID>a</UserID><Name>x<b/>y</Name>"), YQ_EVENT_MEMBER_UPDATED,
           "member:a", "{\"userid\":\"a\"}");
}

static void test_values_cannot_break_the_json(void **state)
{
    (void)state;
    expect(CHANGE("update_user", "<UserID>a</UserID><Name>\",\"status\":5,\"x\":\"\\</Name>"
                                 "<Position>a\nb\tc&#13;d\x7f</Position>"),
           YQ_EVENT_MEMBER_UPDATED, "member:a",
           "{\"userid\":\"a\",\"name\":\"\\\",\\\"status\\\":5,\\\"x\\\":\\\"\\\\\","
           "\"position\":\"a\\nb\\u0009c\\u000dd\x7f\"}");
}

static void test_other_events(void **state)
{
    (void)state;
#define OTHER(name, rest)                                                                          \
    "<xml><ToUserName>ww1</ToUserName><FromUserName><![CDATA[li.na]]></FromUserName>"              \
    "<CreateTime>1767230000</CreateTime><MsgType>event</MsgType><Event><![CDATA[" name             \
    "]]></Event>" rest "</xml>"
    expect(OTHER("subscribe", "<AgentID>1000002</AgentID>"), YQ_EVENT_MEMBER_ENTERED,
           "member:li.na", "{\"userid\":\"li.na\"}");
    assert_int_equal(event.at, 1767230000);
    expect(OTHER("unsubscribe", ""), YQ_EVENT_MEMBER_LEFT, "member:li.na",
           "{\"userid\":\"li.na\"}");
    expect(
        "<xml><ToUserName><![CDATA[wpAuthCorp0001]]></ToUserName><FromUserName><![CDATA[sys]]>"
        "</FromUserName>\n<CreateTime>1767230000</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        "\n<Event><![CDATA[change_app_admin]]></Event><AgentID>1000007</AgentID></xml>",
        YQ_EVENT_ADMINS_CHANGED, "all", "{}");
    expect(OTHER("batch_job_result",
                 "<BatchJob><JobId><![CDATA[S0MrnndvRG5fadSlLwiBqiDDbM143UqTmKP3152FZk4]]></JobId>"
                 "<JobType><![CDATA[sync_user]]></JobType><ErrCode>0</ErrCode>"
                 "<ErrMsg><![CDATA[ok]]></ErrMsg></BatchJob>"),
           YQ_EVENT_JOB_FINISHED, "all",
           "{\"job_id\":\"S0MrnndvRG5fadSlLwiBqiDDbM143UqTmKP3152FZk4\",\"job_type\":\"sync_user\","
           "\"error_code\":\"0\",\"error_message\":\"ok\"}");
    expect(OTHER("batch_job_result", "<BatchJob><JobId>j</JobId></BatchJob>"),
           YQ_EVENT_JOB_FINISHED, "all", "{\"job_id\":\"j\"}");
}

static void test_unknown_events(void **state)
{
    (void)state;
    expect_unknown("", "not the XML of a callback");
    expect_unknown("success", "not the XML of a callback");
    expect_unknown("<xml/>", "neither Event nor InfoType");
    expect_unknown("{", "not JSON in UTF-8");
    expect_unknown("<xml><MsgType>text</MsgType><Event>subscribe</Event></xml>",
                   "MsgType is not event");
    expect_unknown(CHANGE("create_robot", "<UserID>a</UserID>"), "no known Event or ChangeType");
    expect_unknown("<xml><MsgType>event</MsgType><Event>enter_agent</Event></xml>",
                   "no known Event or ChangeType");
    expect_unknown(CHANGE("create_user", "<Name>a</Name>"), "UserID is missing or malformed");
    expect_unknown(CHANGE("create_party", "<Id>x</Id>"), "Id is missing or malformed");
    expect_unknown(CHANGE("update_tag", ""), "TagId is missing or malformed");
    expect_unknown("<xml><MsgType>event</MsgType><Event>subscribe</Event></xml>",
                   "FromUserName is missing or malformed");
    expect_unknown("<xml><MsgType>event</MsgType><Event>batch_job_result</Event></xml>",
                   "JobId is missing or too long");
    expect_unknown("<xml><SuiteId>ww1</SuiteId><InfoType> <![CDATA[suite_ticket]]></InfoType>"
                   "<TimeStamp>1767225600</TimeStamp><SuiteTicket>t</SuiteTicket></xml>",
                   "an event of a suite");
    assert_int_equal(event.at, 1767225600);
    yq_event_read(reader, "x", 1, &event, NULL); /* nobody asks why */
    assert_int_equal(event.kind, YQ_EVENT_UNKNOWN);
}

#define JSON_HEAD                                                                                  \
    "\"ToUserName\":\"ww1\",\"FromUserName\":\"sys\",\"CreateTime\":1767225600,"                   \
    "\"MsgType\":\"event\",\"Event\":\"change_contact\","

static void test_json_twin(void **state)
{
    (void)state;
    expect(
        " {" JSON_HEAD "\"ChangeType\":\"update_user\",\"UserID\":\"li.na\",\"Name\":\"\\u674e\","
        "\"Department\":\"7,12\",\"MainDepartment\":12,\"IsLeaderInDept\":\"0,1\","
        "\"DirectLeader\":\"wang.wei\",\"Status\":1,\"Gender\":1,\"Position\":\"\",\"Mobile\":null,"
        "\"ExtAttr\":{\"Item\":[{\"Name\":\"a\"}]}}\n",
        YQ_EVENT_MEMBER_UPDATED, "member:li.na",
        "{\"userid\":\"li.na\",\"name\":\"\xe6\x9d\x8e\",\"departments\":[7,12],"
        "\"leader_in\":[0,1],\"main_department\":12,\"direct_leaders\":[\"wang.wei\"],"
        "\"position\":\"\",\"gender\":\"1\",\"status\":1}");
    assert_int_equal(event.at, 1767225600);
    expect("{" JSON_HEAD
           "\"ChangeType\":\"create_user\",\"UserID\":\"a\",\"Department\":[7,\"12\"],"
           "\"IsLeaderInDept\":[0,1],\"DirectLeader\":[],\"Name\":[null]}",
           YQ_EVENT_MEMBER_CREATED, "member:a",
           "{\"userid\":\"a\",\"departments\":[7,12],\"leader_in\":[0,1],\"direct_leaders\":[]}");
    expect("{" JSON_HEAD "\"ChangeType\":\"delete_user\",\"UserID\":1234567890123456789}",
           YQ_EVENT_MEMBER_DELETED, "member:1234567890123456789",
           "{\"userid\":\"1234567890123456789\"}"); /* every digit of it */
    expect("{" JSON_HEAD "\"ChangeType\":\"create_party\",\"Id\":12,\"ParentId\":\"1\",\"Order\":5,"
           "\"Name\":\"a\\u0001\\\"\\n\"}",
           YQ_EVENT_DEPARTMENT_CREATED, "department:12",
           "{\"id\":12,\"name\":\"a\\u0001\\\"\\n\",\"parent\":1,\"order\":5}");
    expect("{" JSON_HEAD "\"ChangeType\":\"update_tag\",\"TagId\":5,\"AddUserItems\":\"a,b\"}",
           YQ_EVENT_TAG_UPDATED, "tag:5", "{\"id\":5,\"add_members\":[\"a\",\"b\"]}");
    expect("{\"FromUserName\":\"li.na\",\"MsgType\":\"event\",\"Event\":\"subscribe\"}",
           YQ_EVENT_MEMBER_ENTERED, "member:li.na", "{\"userid\":\"li.na\"}");
    expect("{\"MsgType\":\"event\",\"Event\":\"batch_job_result\",\"BatchJob\":{\"JobId\":\"j\","
           "\"JobType\":\"invite_user\",\"ErrCode\":0,\"ErrMsg\":\"ok\"}}",
           YQ_EVENT_JOB_FINISHED, "all",
           "{\"job_id\":\"j\",\"job_type\":\"invite_user\",\"error_code\":\"0\","
           "\"error_message\":\"ok\"}");
    expect_unknown("{\"MsgType\":\"text\",\"Content\":\"hello\"}", "neither Event nor InfoType");
    expect_unknown("{" JSON_HEAD "\"ChangeType\":\"delete_party\",\"Id\":1.5}",
                   "Id is missing or malformed");
    expect_unknown("{" JSON_HEAD "\"ChangeType\":\"delete_user\",\"UserID\":\"\xff\"}",
                   "not JSON in UTF-8");
    expect_unknown("{" JSON_HEAD "\"ChangeType\":\"delete_user\",\"UserID\":\"\\ud800\"}",
                   "not JSON in UTF-8");
    static const char nul[] = "{\"MsgType\":\"event\0\"}";
    read_text(nul, sizeof(nul) - 1);
    assert_int_equal(event.kind, YQ_EVENT_UNKNOWN);
}

static void test_digest(void **state)
{
    (void)state;
    yq_event_read(reader, "abc", 3, &event, NULL);
    assert_string_equal(event.digest,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_kind_names(void **state)
{
    (void)state;
    for (int k = 0; k < YQ_EVENT_KIND_COUNT; k++) {
        enum yq_event_kind kind = YQ_EVENT_KIND_COUNT;
        assert_int_equal(yq_event_kind_parse(yq_event_kind_name((enum yq_event_kind)k), &kind), 0);
        assert_int_equal(kind, k);
    }
    enum yq_event_kind kind = YQ_EVENT_UNKNOWN;
    assert_int_equal(yq_event_kind_parse("member.created ", &kind), -1);
    assert_int_equal(yq_event_kind_parse("", &kind), -1);
    assert_string_equal(yq_event_kind_name(YQ_EVENT_MEMBER_CREATED), "member.created");
    assert_string_equal(yq_event_kind_name(YQ_EVENT_KIND_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_in_full),
        cmocka_unit_test(test_departments_in_full),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_trimmed),
        cmocka_unit_test(test_quirks_of_real_traffic),
        cmocka_unit_test(test_any_order_and_blanks),
        cmocka_unit_test(test_empty_elements),
        cmocka_unit_test(test_missing_elements),
        cmocka_unit_test(test_legacy_names),
        cmocka_unit_test(test_malformed_values),
        cmocka_unit_test(test_values_cannot_break_the_json),
        cmocka_unit_test(test_other_events),
        cmocka_unit_test(test_unknown_events),
        cmocka_unit_test(test_json_twin),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
