/* The parser of WeCom's XML: what it finds, what it trims, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/xml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct yq_xml *xml;

static int set_up(void **state)
{
    (void)state;
    xml = yq_xml_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    yq_xml_free(xml);
    yq_xml_free(NULL);
    return 0;
}

static void parse(const char *text)
{
    struct yq_error err = {0};
    if (yq_xml_parse(xml, text, strlen(text), &err) != 0)
        fail_msg("%s: %s", text, err.text);
}

static void refuse(const char *text, const char *why)
{
    struct yq_error err = {0};
    assert_int_equal(yq_xml_parse(xml, text, strlen(text), &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    if (why != NULL)
        assert_string_equal(err.text, why);
    assert_null(yq_xml_get(xml, "a")); /* nothing is left of it */
}

static void expect(const char *name, const char *value)
{
    const struct yq_text *found = yq_xml_get(xml, name);
    if (value == NULL) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_int_equal(found->len, strlen(value));
    assert_memory_equal(found->data, value, found->len);
}

static void expect2(const char *parent, const char *name, const char *value)
{
    const struct yq_text *found = yq_xml_get2(xml, parent, name);
    if (value == NULL) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_int_equal(found->len, strlen(value));
    assert_memory_equal(found->data, value, found->len);
}

static void test_values(void **state)
{
    (void)state;
    parse("<?xml version=\"1.0\"?>\r\n<xml>\n"
          "<plain>7</plain><cdata><![CDATA[a<b>&c]]></cdata>\n"
          "<blanks> \t\r\n <![CDATA[suite_ticket]]> \n</blanks>"
          "<inner><![CDATA[ a  b ]]></inner><two><![CDATA[ab]]><![CDATA[cd]]></two>"
          "<mixed>x<![CDATA[]]>y</mixed><empty/><none></none><cleared><![CDATA[]]></cleared>"
          "<blank>  \n </blank><escaped>&lt;&amp;&#26446;&#x5a1c;</escaped>"
          "<comment>a<!-- b -->c</comment><Name>\xe6\x9d\x8e\xe5\xa8\x9c</Name>"
          "<lines>a\nb\r\nc</lines></xml>\n");
    expect("plain", "7");
    expect("cdata", "a<b>&c");
    expect("blanks", "suite_ticket");
    expect("inner", "a  b");
    expect("two", "abcd");
    expect("mixed", "xy");
    expect("empty", "");
    expect("none", "");
    expect("cleared", "");
    expect("blank", "");
    expect("escaped", "<&\xe6\x9d\x8e\xe5\xa8\x9c");
    expect("comment", "ac");
    expect("Name", "\xe6\x9d\x8e\xe5\xa8\x9c");
    expect("lines", "a\nb\nc");
    expect("missing", NULL);
    expect("xml", NULL); /* the root is nobody's child */
    expect("plai", NULL);
    expect("PLAIN", NULL);
}

static void test_names_that_begin_alike(void **state)
{
    (void)state;
    parse("<xml><IsLeaderInDept>1</IsLeaderInDept><IsLeader>2</IsLeader>"
          "<IsLeaderX>3</IsLeaderX><DepartmentName>4</DepartmentName><Department>5</Department></"
          "xml>");
    expect("IsLeader", "2");
    expect("IsLeaderX", "3");
    expect("IsLeaderInDept", "1");
    expect("Department", "5");
    expect("DepartmentName", "4");
}

static void test_first_of_two_counts(void **state)
{
    (void)state;
    parse("<xml><a>1</a><b>2</b><a>3</a></xml>");
    expect("a", "1");
}

static void test_grandchildren(void **state)
{
    (void)state;
    parse(
        "<xml><JobId>outer</JobId><BatchJob> <JobId><![CDATA[j1]]></JobId><Err><Code>0</Code></Err>"
        "<JobType>sync_user</JobType>\n<ErrMsg/></BatchJob>"
        "<Other><JobId>j2</JobId></Other><ExtAttr><Item><Name>n</Name><Text><Value>v</Value></Text>"
        "</Item></ExtAttr></xml>");
    expect("JobId", "outer");
    expect2("BatchJob", "JobId", "j1");
    expect2("BatchJob", "JobType", "sync_user");
    expect2("BatchJob", "ErrMsg", "");
    expect2("Other", "JobId", "j2");
    expect2("Other", "JobType", NULL);
    expect2("Nobody", "JobId", NULL);
    expect2("JobId", "JobId", NULL);
    expect2("BatchJob", "Err", NULL); /* holds elements: no value */
    expect2("ExtAttr", "Item", NULL);
    expect("BatchJob", NULL);
    expect("Name", NULL);
    expect("Value", NULL);
}

/* A value must not be read from an element that also holds elements. */
static void test_mixed_content_has_no_value(void **state)
{
    (void)state;
    parse("<xml><UserID>li<b>x</b>na</UserID><c>3</c></xml>");
    expect("UserID", NULL);
    expect2("UserID", "b", "x");
    expect("c", "3");
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("<!DOCTYPE xml><xml><a>1</a></xml>", "XML with a DOCTYPE");
    refuse("<!DOCTYPE xml [<!ENTITY a \"b\">]><xml><a>&a;</a></xml>", "XML with a DOCTYPE");
    refuse("<!DOCTYPE xml PUBLIC \"-//x\" \"http://127.0.0.1/x\"><xml/>", "XML with a DOCTYPE");
    refuse("<html><a>1</a></html>", "XML whose root is not <xml>");
    refuse("<xmlx><a>1</a></xmlx>", "XML whose root is not <xml>");
    refuse("<html/>", "XML whose root is not <xml>");
    static const char *const texts[] = {
        "",
        " ",
        "x",
        "<xml>",
        "<xml><a>1</a>",
        "<xml><a>1</b></xml>",
        "<xml><a>1</a></xml>x",
        "<xml><a>1</a></xml><xml/>",
        "<xml><a>\xff</a></xml>",
        "<xml><a>\xed\xa0\x80</a></xml>",
        "<xml><a>\xc0\xaf</a></xml>",
        "<xml><a>\x01</a></xml>",
        "<xml><a>&#0;</a></xml>",
        "<xml><a>&#8;</a></xml>",
        "<xml><a>&b;</a></xml>",
        "<xml><a>]]></a></xml>",
        "<xml><a><![CDATA[1]]</a></xml>",
        "<xml><a b=\"1\" b=\"2\">1</a></xml>",
        "{\"a\":1}",
        "<?xml version=\"1.0\" encoding=\"x-none\"?><xml><a>1</a></xml>",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        refuse(texts[i], NULL);
    static const char nul[] = "<xml><a>1\0</a></xml>";
    assert_int_equal(yq_xml_parse(xml, nul, sizeof(nul) - 1, NULL), -1);
    parse("<xml><a>1</a></xml>"); /* and goes on as if nothing had been */
    expect("a", "1");
}

static void repeat(struct yq_buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        yq_buf_adds(b, text);
}

static void test_depth(void **state)
{
    (void)state;
    for (size_t depth = YQ_XML_DEPTH - 1; depth <= YQ_XML_DEPTH + 1; depth++) {
        struct yq_buf b = YQ_BUF_INIT;
        yq_buf_adds(&b, "<xml><x>1</x>");
        repeat(&b, "<a>", depth - 1);
        repeat(&b, "</a>", depth - 1);
        yq_buf_adds(&b, "</xml>");
        if (depth <= YQ_XML_DEPTH)
            parse(b.data);
        else
            refuse(b.data, "XML nested too deeply");
        yq_buf_release(&b);
    }
}

static void test_elements(void **state)
{
    (void)state;
    for (size_t count = YQ_XML_ELEMENTS - 1; count <= YQ_XML_ELEMENTS + 1; count++) {
        struct yq_buf b = YQ_BUF_INIT;
        yq_buf_adds(&b, "<xml>");
        repeat(&b, "<b>2</b>", count - 2);
        yq_buf_adds(&b, "<a>1</a></xml>");
        if (count <= YQ_XML_ELEMENTS) {
            parse(b.data);
            expect("a", "1");
        } else {
            refuse(b.data, "XML with too many elements");
        }
        yq_buf_release(&b);
    }
    struct yq_buf b = YQ_BUF_INIT;
    yq_buf_adds(&b, "<xml><a>");
    repeat(&b, "<b>2</b>", YQ_XML_ELEMENTS);
    refuse(b.data, "XML with too many elements"); /* in the middle of a child */
    yq_buf_release(&b);
}

static void test_attributes(void **state)
{
    (void)state;
    for (size_t count = YQ_XML_ATTRIBUTES - 1; count <= YQ_XML_ATTRIBUTES + 1; count++) {
        struct yq_buf b = YQ_BUF_INIT;
        yq_buf_adds(&b, "<xml a=\"\"><a");
        for (size_t i = 1; i < count; i++)
            yq_buf_addf(&b, " b%zu=\"2\"", i);
        yq_buf_adds(&b, ">1</a></xml>");
        if (count <= YQ_XML_ATTRIBUTES) {
            parse(b.data);
            expect("a", "1");
        } else {
            refuse(b.data, "XML with too many attributes");
        }
        yq_buf_release(&b);
    }
}

static void test_large_value(void **state)
{
    (void)state;
    struct yq_buf b = YQ_BUF_INIT;
    yq_buf_adds(&b, "<xml><a>");
    repeat(&b, "0123456789abcdef", 16000);
    yq_buf_adds(&b, "</a><c>3</c></xml>");
    parse(b.data);
    assert_int_equal(yq_xml_get(xml, "a")->len, 256000);
    expect("c", "3");
    yq_buf_release(&b);
}

/* The error's text must not carry what came from outside. */
static void test_errors_hold_no_text(void **state)
{
    (void)state;
    struct yq_error err = {0};
    const char *text = "<xml><Mobile>13800000000</Mobil></xml>";
    assert_int_equal(yq_xml_parse(xml, text, strlen(text), &err), -1);
    assert_null(strstr(err.text, "138"));
    assert_null(strstr(err.text, "Mobil"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_names_that_begin_alike),
        cmocka_unit_test(test_first_of_two_counts),
        cmocka_unit_test(test_grandchildren),
        cmocka_unit_test(test_mixed_content_has_no_value),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_large_value),
        cmocka_unit_test(test_errors_hold_no_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
