package policy_test

// The section "Conditions" of the specification.

import (
	"slices"
	"strings"

	"cross-account-s3/policy"
)

// comparison is an operator with a value in the policy, and two values of the request: one for which the operator is true, one for which it is false.
type comparison struct{ operator, key, value, passes, fails string }

// comparisons has a line for every operator but Null and BinaryEquals.
var comparisons = []comparison{
	{"StringEquals", "s3:prefix", "home", "home", "Home"},
	{"StringNotEquals", "s3:prefix", "home", "away", "home"},
	{"StringEqualsIgnoreCase", "s3:prefix", "home", "HOME", "homes"},
	{"StringNotEqualsIgnoreCase", "s3:prefix", "home", "homes", "HOME"},
	{"StringLike", "s3:prefix", "ho?e*", "home/x", "hom/x"},
	{"StringNotLike", "s3:prefix", "ho?e*", "hom/x", "home/x"},
	{"NumericEquals", "s3:max-keys", "10", "10.0", "11"},
	{"NumericNotEquals", "s3:max-keys", "10", "11", "10.0"},
	{"NumericLessThan", "s3:max-keys", "10", "9", "10"},
	{"NumericLessThanEquals", "s3:max-keys", "10", "10", "10.5"},
	{"NumericGreaterThan", "s3:max-keys", "10", "11", "10"},
	{"NumericGreaterThanEquals", "s3:max-keys", "10", "10", "9.5"},
	{"DateEquals", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z"},
	{"DateNotEquals", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z", "2026-01-31T00:00:00Z"},
	{"DateLessThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-30T23:59:59Z", "2026-01-31T00:00:00Z"},
	{"DateLessThanEquals", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z"},
	{"DateGreaterThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z", "2026-01-31T00:00:00Z"},
	{"DateGreaterThanEquals", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z", "2026-01-30T23:59:59Z"},
	{"Bool", "aws:SecureTransport", "true", "true", "false"},
	{"IpAddress", "aws:SourceIp", "203.0.113.0/24", "203.0.113.255", "203.0.114.0"},
	{"NotIpAddress", "aws:SourceIp", "203.0.113.0/24", "203.0.114.0", "203.0.113.255"},
	{"ArnEquals", "aws:SourceArn", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", "arn:aws:s3:::c"},
	{"ArnLike", "aws:SourceArn", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", "arn:aws:s3:::c"},
	{"ArnNotEquals", "aws:SourceArn", "arn:aws:s3:::b*", "arn:aws:s3:::c", "arn:aws:s3:::bucket"},
	{"ArnNotLike", "aws:SourceArn", "arn:aws:s3:::b*", "arn:aws:s3:::c", "arn:aws:s3:::bucket"},
}

func (c comparison) negated() bool { return strings.Contains(c.operator, "Not") }

func positiveOperator(c comparison) bool { return !c.negated() }
func negatedOperator(c comparison) bool  { return c.negated() }
func anyOperator(comparison) bool        { return true }

// everyOperator is an example for each operator of a kind: the plain case under a condition with that operator, between prefix and suffix, for the request
// that is made of the line.
func everyOperator(kind func(comparison) bool, prefix, suffix, what string, want policy.Decision, request func(comparison) change) examples {
	var out examples
	for _, c := range comparisons {
		if kind(c) {
			operator := prefix + c.operator + suffix
			out = append(out, example{operator + ": " + what, want, granted(when(operator, c.key, c.value), request(c))})
		}
	}
	return out
}

func missing(comparison) change   { return all() }
func passing(c comparison) change { return given(c.key, c.passes) }
func failing(c comparison) change { return given(c.key, c.fails) }

// several is a request in which the key has these values: "+" for the one that passes, "-" for the one that fails.
func several(pattern string) func(comparison) change {
	return func(c comparison) change {
		values := []string{}
		for _, sign := range pattern {
			if sign == '+' {
				values = append(values, c.passes)
			} else {
				values = append(values, c.fails)
			}
		}
		return givenMany(c.key, values...)
	}
}

func conditionSentences() []sentence {
	const prefix, tags, source = "s3:prefix", "aws:TagKeys", "aws:SourceArn"
	// asked is the plain case under a condition, for a request in which the key has the value.
	asked := func(operator, key, value, requested string) policy.Case {
		return granted(when(operator, key, value), given(key, requested))
	}
	topic := "arn:aws:sns:us-east-1:" + accountB + ":t"
	return []sentence{
		{
			heading: "Conditions: operators AND",
			positive: examples{
				{"both true", allowed,
					granted(parts(when("StringEquals", prefix, "a"), when("Bool", "aws:SecureTransport", "true")),
						given(prefix, "a"), given("aws:SecureTransport", "true"))},
				{"the first false", implicit,
					granted(parts(when("Bool", "aws:SecureTransport", "true"), when("StringEquals", prefix, "a")),
						given(prefix, "a"), given("aws:SecureTransport", "false"))},
				{"the second false", implicit,
					granted(parts(when("Bool", "aws:SecureTransport", "true"), when("StringEquals", prefix, "a")),
						given(prefix, "b"), given("aws:SecureTransport", "true"))},
				{"two operators on one key", implicit,
					granted(parts(when("NumericGreaterThan", "s3:max-keys", "1"), when("NumericLessThan", "s3:max-keys", "10")),
						given("s3:max-keys", "10"))},
				{"in a Deny, both true", explicit,
					cross(identity(allow(), deny(when("StringLike", prefix, "a*"), when("StringNotLike", prefix, "ab*"))),
						given(prefix, "ac"))},
				{"in a Deny, one false", allowed,
					cross(identity(allow(), deny(when("StringLike", prefix, "a*"), when("StringNotLike", prefix, "ab*"))),
						given(prefix, "abc"))},
			},
			negative: examples{
				{"two statements are ORed", allowed,
					cross(identity(allow(when("StringEquals", prefix, "a")), allow(when("Bool", "aws:SecureTransport", "true"))),
						given(prefix, "b"), given("aws:SecureTransport", "true"))},
				{"two statements, neither true", implicit,
					cross(identity(allow(when("StringEquals", prefix, "a")), allow(when("Bool", "aws:SecureTransport", "true"))),
						given(prefix, "b"), given("aws:SecureTransport", "false"))},
				{"no condition", allowed, cross(given(prefix, "b"))},
				{"an empty condition", allowed, cross(identity(allow(element("Condition", map[string]any{}))))},
			},
		},
		{
			heading: "Conditions: keys AND",
			positive: examples{
				{"both true", allowed,
					granted(parts(when("StringEquals", prefix, "a"), when("StringEquals", "s3:delimiter", "/")), given(prefix, "a"),
						given("s3:delimiter", "/"))},
				{"the first false", implicit,
					granted(parts(when("StringEquals", prefix, "a"), when("StringEquals", "s3:delimiter", "/")), given(prefix, "b"),
						given("s3:delimiter", "/"))},
				{"the second false", implicit,
					granted(parts(when("StringEquals", prefix, "a"), when("StringEquals", "s3:delimiter", "/")), given(prefix, "a"),
						given("s3:delimiter", "-"))},
				{"one missing", implicit,
					granted(parts(when("StringEquals", prefix, "a"), when("StringEquals", "s3:delimiter", "/")), given(prefix, "a"))},
				{"negated: both must be true", implicit,
					granted(parts(when("StringNotEquals", prefix, "a"), when("StringNotEquals", "s3:delimiter", "/")),
						given(prefix, "a"), given("s3:delimiter", "-"))},
				{"negated, in a Deny: one equal, so it does not deny", allowed,
					cross(identity(allow(), deny(when("StringNotEquals", prefix, "a"),
						when("StringNotEquals", "s3:delimiter", "/"))), given(prefix, "a"), given("s3:delimiter", "-"))},
			},
			negative: examples{
				{"a key that is not asked for", allowed,
					granted(when("StringEquals", prefix, "a"), given(prefix, "a"), given("s3:delimiter", "-"))},
				{"negated: both true", allowed,
					granted(parts(when("StringNotEquals", prefix, "a"), when("StringNotEquals", "s3:delimiter", "/")),
						given(prefix, "b"), given("s3:delimiter", "-"))},
			},
		},
		{
			heading: "Conditions: values OR",
			positive: examples{
				{"the first", allowed, granted(when("StringEquals", prefix, "a", "b"), given(prefix, "a"))},
				{"the last", allowed, granted(when("StringEquals", prefix, "a", "b", "c"), given(prefix, "c"))},
				{"of patterns", allowed, granted(when("StringLike", prefix, "a*", "b*"), given(prefix, "bcd"))},
				{"of ranges", allowed,
					granted(when("IpAddress", "aws:SourceIp", "203.0.113.0/24", "198.51.100.0/24"),
						given("aws:SourceIp", "198.51.100.7"))},
				{"of ARNs", allowed, granted(when("ArnLike", source, "arn:aws:s3:::c", bucket), given(source, bucket))},
				{"of numbers", allowed, granted(when("NumericEquals", "s3:max-keys", "1", "2"), given("s3:max-keys", "2"))},
				{"of dates", allowed,
					granted(when("DateEquals", "aws:CurrentTime", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
						given("aws:CurrentTime", "2026-01-02T00:00:00Z"))},
				{"of booleans", allowed,
					granted(when("Bool", "aws:SecureTransport", "true", "false"), given("aws:SecureTransport", "false"))},
				{"an array of one", allowed, granted(when("StringEquals", prefix, []string{"a"}[0]), given(prefix, "a"))},
			},
			negative: examples{
				{"none", implicit, granted(when("StringEquals", prefix, "a", "b"), given(prefix, "c"))},
				{"none of the patterns", implicit, granted(when("StringLike", prefix, "a*", "b*"), given(prefix, "cab"))},
				{"none of the ranges", implicit,
					granted(when("IpAddress", "aws:SourceIp", "203.0.113.0/24", "198.51.100.0/24"), given("aws:SourceIp", "192.0.2.1"))},
			},
		},
		{
			heading: "Conditions: negated operators are NOR: no value may match",
			positive: append(examples{
				{"StringNotEquals, the first matches", implicit,
					granted(when("StringNotEquals", prefix, "a", "b"), given(prefix, "a"))},
				{"StringNotEquals, the last matches", implicit,
					granted(when("StringNotEquals", prefix, "a", "b"), given(prefix, "b"))},
				{"StringNotEquals, none matches", allowed, granted(when("StringNotEquals", prefix, "a", "b"), given(prefix, "c"))},
				{"StringNotLike", implicit, granted(when("StringNotLike", prefix, "x*", "a*"), given(prefix, "ab"))},
				{"StringNotEqualsIgnoreCase", implicit,
					granted(when("StringNotEqualsIgnoreCase", prefix, "x", "A"), given(prefix, "a"))},
				{"NumericNotEquals", implicit,
					granted(when("NumericNotEquals", "s3:max-keys", "1", "2"), given("s3:max-keys", "2"))},
				{"DateNotEquals", implicit,
					granted(when("DateNotEquals", "aws:CurrentTime", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
						given("aws:CurrentTime", "2026-01-02T00:00:00Z"))},
				{"NotIpAddress", implicit,
					granted(when("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", "198.51.100.0/24"),
						given("aws:SourceIp", "198.51.100.7"))},
				{"ArnNotLike", implicit, granted(when("ArnNotLike", source, "arn:aws:s3:::c", bucket), given(source, bucket))},
				{"in a Deny, one matches", allowed,
					cross(identity(allow(), deny(when("StringNotEquals", "aws:SourceVpce", "vpce-1", "vpce-2"))),
						given("aws:SourceVpce", "vpce-2"))},
				{"in a Deny, none matches", explicit,
					cross(identity(allow(), deny(when("StringNotEquals", "aws:SourceVpce", "vpce-1", "vpce-2"))),
						given("aws:SourceVpce", "vpce-3"))},
			}, everyOperator(negatedOperator, "", "", "the value matches", implicit, failing)...),
			negative: append(examples{
				{"a positive operator needs only one", allowed,
					granted(when("StringEquals", prefix, "a", "b"), given(prefix, "b"))},
			}, everyOperator(negatedOperator, "", "", "the value does not match", allowed, passing)...),
		},
		{
			heading: "Conditions: key names are case-insensitive",
			positive: examples{
				{"the policy's in upper case", allowed,
					granted(when("Bool", "AWS:SECURETRANSPORT", "true"), given("aws:SecureTransport", "true"))},
				{"the request's in lower case", allowed,
					granted(when("Bool", "aws:SecureTransport", "true"), given("aws:securetransport", "true"))},
				{"of a tag", allowed,
					granted(when("StringEquals", "aws:PrincipalTag/Team", "red"), given("aws:PrincipalTag/team", "red"))},
				{"in a Deny", explicit,
					cross(identity(allow(), deny(when("Bool", "aws:securetransport", "false"))), given("aws:SecureTransport", "false"))},
				{"of a multivalued key", allowed,
					granted(when("ForAnyValue:StringEquals", "aws:tagkeys", "x"), givenMany("aws:TagKeys", "x"))},
				{"in Null", implicit,
					granted(when("Null", "aws:tokenissuetime", "true"), given("aws:TokenIssueTime", "2026-01-01T00:00:00Z"))},
			},
			negative: examples{
				{"another name", implicit,
					granted(when("Bool", "aws:SecureTransports", "true"), given("aws:SecureTransport", "true"))},
				{"the value keeps its letters", implicit,
					granted(when("StringEquals", "aws:PrincipalTag/Team", "red"), given("aws:PrincipalTag/Team", "Red"))},
			},
		},
		{
			heading: "Conditions: missing key: positive operator is false",
			positive: append(everyOperator(positiveOperator, "", "", "the key is missing", implicit, missing),
				example{"in a Deny", allowed, cross(identity(allow(), deny(when("Bool", "aws:SecureTransport", "false"))))},
				example{"another key is there", implicit, granted(when("StringEquals", prefix, "a"), given("s3:delimiter", "a"))},
			),
			negative: slices.Concat(everyOperator(positiveOperator, "", "", "the key's value passes", allowed, passing),
				everyOperator(positiveOperator, "", "", "the key's value fails", implicit, failing)),
		},
		{
			heading: "Conditions: missing key: negated operator is true",
			positive: append(everyOperator(negatedOperator, "", "", "the key is missing", allowed, missing),
				example{"in a Deny", explicit,
					cross(identity(allow(), deny(when("StringNotEquals", "aws:SourceVpce", "vpce-1"))))},
			),
			negative: append(everyOperator(negatedOperator, "", "", "the key's value fails", implicit, failing),
				example{"in a Deny", allowed,
					cross(identity(allow(), deny(when("StringNotEquals", "aws:SourceVpce", "vpce-1"))),
						given("aws:SourceVpce", "vpce-1"))},
			),
		},
		{
			heading: "Conditions: missing key: any IfExists is true",
			positive: append(everyOperator(anyOperator, "", "IfExists", "the key is missing", allowed, missing),
				example{"in a Deny", explicit,
					cross(identity(allow(), deny(when("BoolIfExists", "aws:MultiFactorAuthPresent", "false"))))},
				example{"ForAllValues", allowed, granted(when("ForAllValues:StringEqualsIfExists", tags, "x"))},
				example{"ForAnyValue", allowed, granted(when("ForAnyValue:StringEqualsIfExists", tags, "x"))},
			),
			negative: slices.Concat(everyOperator(anyOperator, "", "IfExists", "the key's value fails", implicit, failing),
				everyOperator(anyOperator, "", "IfExists", "the key's value passes", allowed, passing),
				examples{
					{"in a Deny", allowed,
						cross(identity(allow(), deny(when("BoolIfExists", "aws:MultiFactorAuthPresent", "false"))),
							given("aws:MultiFactorAuthPresent", "true"))},
					{"ForAllValues", implicit,
						granted(when("ForAllValues:StringEqualsIfExists", tags, "x"), givenMany(tags, "y"))},
					{"ForAnyValue", implicit, granted(when("ForAnyValue:StringEqualsIfExists", tags, "x"), givenMany(tags, "y"))},
				}),
		},
		{
			heading: "Conditions: Null:true is true for a missing key",
			positive: examples{
				{"missing", allowed, granted(when("Null", "aws:TokenIssueTime", "true"))},
				{"missing, a JSON boolean", allowed, granted(when("Null", "aws:TokenIssueTime", true))},
				{"missing, either will do", allowed, granted(when("Null", "aws:TokenIssueTime", "false", "true"))},
				{"missing, in other letters", allowed, granted(when("Null", "aws:TokenIssueTime", "True"))},
				{"missing, in a Deny", explicit,
					cross(identity(allow(), deny(when("Null", "s3:x-amz-server-side-encryption", "true"))))},
			},
			negative: examples{
				{"there", implicit,
					granted(when("Null", "aws:TokenIssueTime", "true"), given("aws:TokenIssueTime", "2026-01-01T00:00:00Z"))},
				{"there, in a Deny", allowed,
					cross(identity(allow(), deny(when("Null", "s3:x-amz-server-side-encryption", "true"))),
						given("s3:x-amz-server-side-encryption", "aws:kms"))},
				{"there, multivalued", implicit, granted(when("Null", tags, "true"), givenMany(tags, "x", "y"))},
			},
		},
		{
			heading: "Conditions: Null:false is false for a missing key",
			positive: examples{
				{"missing", implicit, granted(when("Null", "aws:TokenIssueTime", "false"))},
				{"missing, a JSON boolean", implicit, granted(when("Null", "aws:TokenIssueTime", false))},
				{"missing, with ForAllValues beside it", implicit,
					granted(parts(when("ForAllValues:StringEquals", tags, "x"), when("Null", tags, "false")))},
			},
			negative: examples{
				{"there", allowed,
					granted(when("Null", "aws:TokenIssueTime", "false"), given("aws:TokenIssueTime", "2026-01-01T00:00:00Z"))},
				{"there, either will do", allowed,
					granted(when("Null", "aws:TokenIssueTime", "true", "false"), given("aws:TokenIssueTime", "2026-01-01T00:00:00Z"))},
				{"there, whatever the value", allowed,
					granted(when("Null", "aws:TokenIssueTime", "false"), given("aws:TokenIssueTime", "false"))},
				{"there, multivalued", allowed,
					granted(parts(when("ForAllValues:StringEquals", tags, "x"), when("Null", tags, "false")), givenMany(tags, "x"))},
			},
		},
		{
			heading: "Conditions: ForAllValues: every request value passes",
			positive: slices.Concat(
				everyOperator(anyOperator, "ForAllValues:", "", "one value that passes", allowed, several("+")),
				everyOperator(anyOperator, "ForAllValues:", "", "two values that pass", allowed, several("++")),
				examples{
					{"each passes by another of the policy's values", allowed,
						granted(when("ForAllValues:StringEquals", tags, "x", "y", "z"), givenMany(tags, "y", "x"))},
					{"patterns", allowed,
						granted(when("ForAllValues:StringLike", tags, "x*", "y*"), givenMany(tags, "y1", "x1", "x2"))},
				}),
			negative: slices.Concat(
				everyOperator(anyOperator, "ForAllValues:", "", "the first fails", implicit, several("-+")),
				everyOperator(anyOperator, "ForAllValues:", "", "the last fails", implicit, several("++-")),
				examples{
					{"one value is none of the policy's", implicit,
						granted(when("ForAllValues:StringEquals", tags, "x", "y"), givenMany(tags, "y", "w"))},
					{"in a Deny", allowed,
						cross(identity(allow(), deny(when("ForAllValues:StringEquals", tags, "x", "y"))), givenMany(tags, "y", "w"))},
				}),
		},
		{
			heading: "Conditions: ForAllValues: missing or empty is true",
			positive: slices.Concat(
				everyOperator(anyOperator, "ForAllValues:", "", "missing", allowed, missing),
				everyOperator(anyOperator, "ForAllValues:", "", "empty", allowed, several("")),
				everyOperator(anyOperator, "ForAllValues:", "IfExists", "empty", allowed, several("")),
				examples{{"in a Deny", explicit, cross(identity(allow(), deny(when("ForAllValues:StringNotEquals", tags, "x"))))}}),
			negative: examples{
				{"ForAnyValue: missing is false", implicit, granted(when("ForAnyValue:StringEquals", tags, "x"))},
				{"without a set operator missing is false", implicit, granted(when("StringEquals", tags, "x"))},
				{"a value that fails", implicit, granted(when("ForAllValues:StringEquals", tags, "x"), givenMany(tags, "y"))},
			},
		},
		{
			heading: "Conditions: ForAnyValue: at least one passes",
			positive: slices.Concat(
				everyOperator(anyOperator, "ForAnyValue:", "", "one value that passes", allowed, several("+")),
				everyOperator(positiveOperator, "ForAnyValue:", "", "the first passes", allowed, several("+-")),
				everyOperator(positiveOperator, "ForAnyValue:", "", "the last passes", allowed, several("--+")),
				examples{
					{"one is one of the policy's values", allowed,
						granted(when("ForAnyValue:StringEquals", tags, "x", "y"), givenMany(tags, "w", "y"))},
					{"an organization's path", allowed,
						granted(when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/*"),
							givenMany("aws:PrincipalOrgPaths", "o-1/r-1/"))},
					{"in a Deny", explicit,
						cross(identity(allow(), deny(when("ForAnyValue:StringEquals", tags, "x"))), givenMany(tags, "w", "x"))},
				}),
			negative: slices.Concat(
				everyOperator(anyOperator, "ForAnyValue:", "", "one value that fails", implicit, several("-")),
				everyOperator(positiveOperator, "ForAnyValue:", "", "all fail", implicit, several("---")),
				examples{{"none is one of the policy's values", implicit,
					granted(when("ForAnyValue:StringEquals", tags, "x", "y"), givenMany(tags, "w", "z"))}}),
		},
		{
			heading: "Conditions: ForAnyValue: missing or empty is false",
			positive: slices.Concat(
				everyOperator(positiveOperator, "ForAnyValue:", "", "missing", implicit, missing),
				everyOperator(anyOperator, "ForAnyValue:", "", "empty", implicit, several("")),
				everyOperator(anyOperator, "ForAnyValue:", "IfExists", "empty", implicit, several("")),
				examples{{"in a Deny", allowed, cross(identity(allow(), deny(when("ForAnyValue:StringEquals", tags, "x"))))}}),
			negative: examples{
				{"ForAllValues: empty is true", allowed, granted(when("ForAllValues:StringEquals", tags, "x"), givenMany(tags))},
				{"a value that passes", allowed, granted(when("ForAnyValue:StringEquals", tags, "x"), givenMany(tags, "x"))},
			},
		},
		{
			heading: "Conditions: multivalued keys need one of the two",
			positive: examples{
				{"ForAnyValue", allowed, granted(when("ForAnyValue:StringEquals", tags, "x"), givenMany(tags, "x", "y"))},
				{"ForAllValues", implicit, granted(when("ForAllValues:StringEquals", tags, "x"), givenMany(tags, "x", "y"))},
			},
			negative: examples{
				{"neither: nothing is certain", undetermined, granted(when("StringEquals", tags, "x"), givenMany(tags, "x", "y"))},
				{"neither, negated: nothing is certain", undetermined,
					granted(when("StringNotEquals", tags, "x"), givenMany(tags, "x", "y"))},
				{"a single-valued key needs neither", allowed, granted(when("StringEquals", prefix, "x"), given(prefix, "x"))},
			},
		},
		{
			heading: "Conditions: String Equals: case-sensitive, no wildcards",
			positive: examples{
				{"equal", allowed, asked("StringEquals", prefix, "a/b c", "a/b c")},
				{"other letters", implicit, asked("StringEquals", prefix, "a", "A")},
				{"* is a star", implicit, asked("StringEquals", prefix, "a*", "ab")},
				{"* is a star, which is there", allowed, asked("StringEquals", prefix, "a*", "a*")},
				{"? is a question mark", implicit, asked("StringEquals", prefix, "a?", "ab")},
				{"negated, * is a star", allowed, asked("StringNotEquals", prefix, "a*", "ab")},
				{"negated, other letters", allowed, asked("StringNotEquals", prefix, "a", "A")},
				{"a * in the request is a star", implicit, asked("StringEquals", prefix, "ab", "a*")},
				{"beyond ASCII", allowed, asked("StringEquals", prefix, "Übermaß/日本", "Übermaß/日本")},
			},
			negative: examples{
				{"StringLike has wildcards", allowed, asked("StringLike", prefix, "a*", "ab")},
				{"IgnoreCase is not case-sensitive", allowed, asked("StringEqualsIgnoreCase", prefix, "a", "A")},
				{"not equal", implicit, asked("StringEquals", prefix, "a", "b")},
				{"a part of it", implicit, asked("StringEquals", prefix, "a", "ab")},
			},
		},
		{
			heading: "Conditions: String IgnoreCase",
			positive: examples{
				{"other letters", allowed, asked("StringEqualsIgnoreCase", prefix, "Home", "hOME")},
				{"the same letters", allowed, asked("StringEqualsIgnoreCase", prefix, "home", "home")},
				{"negated, other letters", implicit, asked("StringNotEqualsIgnoreCase", prefix, "Home", "hOME")},
				{"one of several", allowed, granted(when("StringEqualsIgnoreCase", prefix, "x", "HOME"), given(prefix, "home"))},
			},
			negative: examples{
				{"another text", implicit, asked("StringEqualsIgnoreCase", prefix, "home", "homes")},
				{"negated, another text", allowed, asked("StringNotEqualsIgnoreCase", prefix, "home", "homes")},
				{"* is a star", implicit, asked("StringEqualsIgnoreCase", prefix, "HO*", "home")},
				{"Equals does not ignore it", implicit, asked("StringEquals", prefix, "Home", "home")},
			},
		},
		{
			heading: "Conditions: String Like globs case-sensitively over the whole value",
			positive: examples{
				{"* at the end", allowed, asked("StringLike", prefix, "home/*", "home/a/b")},
				{"* for nothing", allowed, asked("StringLike", prefix, "home/*", "home/")},
				{"* covers / and :", allowed, asked("StringLike", prefix, "h*x", "h/a:b/x")},
				{"? is one character", allowed, asked("StringLike", prefix, "h?me", "home")},
				{"? is one character beyond ASCII", allowed, asked("StringLike", prefix, "h?me", "höme")},
				{"* alone", allowed, asked("StringLike", prefix, "*", "anything")},
				{"no wildcard", allowed, asked("StringLike", prefix, "home", "home")},
				{"negated", implicit, asked("StringNotLike", prefix, "home/*", "home/a")},
				{"a line break", allowed, asked("StringLike", prefix, "a*b", "a\nb")},
				{"brackets mean themselves", allowed, asked("StringLike", prefix, "[ab]{c}*", "[ab]{c}d")},
			},
			negative: examples{
				{"other letters", implicit, asked("StringLike", prefix, "Home/*", "home/a")},
				{"only the beginning", implicit, asked("StringLike", prefix, "home", "home/a")},
				{"only the end", implicit, asked("StringLike", prefix, "home", "/home")},
				{"? is not no character", implicit, asked("StringLike", prefix, "home?", "home")},
				{"? is not two characters", implicit, asked("StringLike", prefix, "h?e", "home")},
				{"negated, other letters", allowed, asked("StringNotLike", prefix, "Home/*", "home/a")},
				{"brackets are not classes", implicit, asked("StringLike", prefix, "[ab]", "a")},
			},
		},
		{
			heading: "Conditions: Arn Equals is Like",
			positive: examples{
				{"ArnEquals with *", allowed, asked("ArnEquals", source, "arn:aws:s3:::b*", "arn:aws:s3:::bucket")},
				{"ArnLike with *", allowed, asked("ArnLike", source, "arn:aws:s3:::b*", "arn:aws:s3:::bucket")},
				{"ArnEquals with ?", allowed, asked("ArnEquals", source, "arn:aws:s3:::b?", "arn:aws:s3:::bu")},
				{"ArnLike exactly", allowed, asked("ArnLike", source, bucket, bucket)},
				{"ArnEquals exactly", allowed, asked("ArnEquals", source, bucket, bucket)},
			},
			negative: examples{
				{"ArnEquals, another", implicit, asked("ArnEquals", source, "arn:aws:s3:::b*", "arn:aws:s3:::a")},
				{"ArnLike, another", implicit, asked("ArnLike", source, "arn:aws:s3:::b*", "arn:aws:s3:::a")},
				{"StringEquals has no wildcards", implicit,
					asked("StringEquals", source, "arn:aws:s3:::b*", "arn:aws:s3:::bucket")},
			},
		},
		{
			heading: "Conditions: Arn NotEquals is NotLike",
			positive: examples{
				{"ArnNotEquals with *", implicit, asked("ArnNotEquals", source, "arn:aws:s3:::b*", "arn:aws:s3:::bucket")},
				{"ArnNotLike with *", implicit, asked("ArnNotLike", source, "arn:aws:s3:::b*", "arn:aws:s3:::bucket")},
				{"ArnNotEquals exactly", implicit, asked("ArnNotEquals", source, bucket, bucket)},
			},
			negative: examples{
				{"ArnNotEquals, another", allowed, asked("ArnNotEquals", source, "arn:aws:s3:::b*", "arn:aws:s3:::a")},
				{"ArnNotLike, another", allowed, asked("ArnNotLike", source, "arn:aws:s3:::b*", "arn:aws:s3:::a")},
				{"StringNotEquals has no wildcards", allowed,
					asked("StringNotEquals", source, "arn:aws:s3:::b*", "arn:aws:s3:::bucket")},
			},
		},
		{
			heading: "Conditions: Arn: six components matched one by one, case-sensitive",
			positive: examples{
				{"* in region and account", allowed, asked("ArnLike", source, "arn:aws:sns:*:*:t", topic)},
				{"* in part of a component", allowed, asked("ArnLike", source, "arn:aws:sns:us-*:9*:t", topic)},
				{"* in every component", allowed, asked("ArnLike", source, "arn:*:*:*:*:*", topic)},
				{"* for an empty component", allowed, asked("ArnLike", source, "arn:aws:s3:*:*:b", bucket)},
				{"the sixth takes the rest", allowed,
					asked("ArnLike", source, "arn:aws:sns:us-east-1:"+accountB+":t:*", topic+":a:b")},
				{"the sixth takes slashes", allowed,
					asked("ArnLike", "aws:PrincipalArn", "arn:aws:iam::"+accountA+":role/*", "arn:aws:iam::"+accountA+":role/team/R")},
				{"other letters in the sixth", implicit, asked("ArnLike", source, "arn:aws:sns:us-east-1:"+accountB+":T", topic)},
				{"other letters in the sixth, with *", implicit,
					asked("ArnEquals", source, "arn:aws:s3:::B*", "arn:aws:s3:::bucket")},
			},
			negative: examples{
				{"another region", implicit, asked("ArnLike", source, "arn:aws:sns:eu-*:*:t", topic)},
				{"another account", implicit, asked("ArnLike", source, "arn:aws:sns:*:"+accountC+":t", topic)},
				{"another service", implicit, asked("ArnLike", source, "arn:aws:sqs:*:*:t", topic)},
				{"another name", implicit, asked("ArnLike", source, "arn:aws:sns:*:*:u", topic)},
				{"a longer name", implicit, asked("ArnLike", source, "arn:aws:sns:*:*:t", topic+":a")},
				{"an empty component is not any", implicit, asked("ArnLike", source, "arn:aws:sns:::t", topic)},
				{"StringLike's * covers colons", allowed, asked("StringLike", source, "arn:aws:sns:*:t", topic)},
			},
		},
		{
			heading: "Conditions: Bool: compared case-insensitively",
			positive: examples{
				{"the policy's in upper case", allowed, asked("Bool", "aws:SecureTransport", "TRUE", "true")},
				{"the request's in mixed case", allowed, asked("Bool", "aws:SecureTransport", "true", "True")},
				{"false", allowed, asked("Bool", "aws:SecureTransport", "False", "FALSE")},
				{"in a Deny", explicit,
					cross(identity(allow(), deny(when("Bool", "aws:SecureTransport", "False"))), given("aws:SecureTransport", "false"))},
			},
			negative: examples{
				{"the other", implicit, asked("Bool", "aws:SecureTransport", "TRUE", "false")},
				{"the other of the two, in a Deny", allowed,
					cross(identity(allow(), deny(when("Bool", "aws:SecureTransport", "False"))), given("aws:SecureTransport", "true"))},
				{"StringEquals is case-sensitive", implicit, asked("StringEquals", "aws:SecureTransport", "TRUE", "true")},
			},
		},
		{
			heading: "Conditions: JSON booleans and numbers in a policy count as their text",
			positive: examples{
				{"true in Bool", allowed,
					granted(when("Bool", "aws:SecureTransport", true), given("aws:SecureTransport", "true"))},
				{"false in Bool", allowed,
					granted(when("Bool", "aws:SecureTransport", false), given("aws:SecureTransport", "false"))},
				{"true in StringEquals", allowed, granted(when("StringEquals", prefix, true), given(prefix, "true"))},
				{"a number in StringEquals", allowed, granted(when("StringEquals", prefix, 10), given(prefix, "10"))},
				{"a number in StringLike", allowed, granted(when("StringLike", prefix, 10), given(prefix, "10"))},
				{"a number in NumericEquals", allowed,
					granted(when("NumericEquals", "s3:max-keys", 10), given("s3:max-keys", "10"))},
				{"a decimal in NumericLessThan", explicit,
					cross(resourcePolicy(allow(), deny(principal("*"), when("NumericLessThan", "s3:TlsVersion", 1.2))),
						given("s3:TlsVersion", "1.1"))},
				{"a number in DateGreaterThan", allowed,
					granted(when("DateGreaterThan", "aws:CurrentTime", 1769817600), given("aws:CurrentTime", "2026-01-31T00:00:01Z"))},
				{"in an array", allowed, granted(when("StringEquals", prefix, "x", 10, false), given(prefix, "false"))},
			},
			negative: examples{
				{"true in Bool, the other", implicit,
					granted(when("Bool", "aws:SecureTransport", true), given("aws:SecureTransport", "false"))},
				{"the text in StringEquals is case-sensitive", implicit,
					granted(when("StringEquals", prefix, true), given(prefix, "True"))},
				{"the text of another number", implicit, granted(when("StringEquals", prefix, 10), given(prefix, "10.0"))},
				{"another number", implicit, granted(when("NumericEquals", "s3:max-keys", 10), given("s3:max-keys", "1"))},
			},
		},
		{
			heading: "Conditions: Numeric: integers and decimals",
			positive: examples{
				{"not compared as text", allowed, asked("NumericLessThan", "s3:max-keys", "10", "9")},
				{"a decimal below", allowed, asked("NumericLessThan", "s3:TlsVersion", "1.2", "1.1")},
				{"a decimal equal to another spelling", allowed, asked("NumericEquals", "s3:max-keys", "0.5", "0.50")},
				{"an integer equal to a decimal", allowed, asked("NumericEquals", "s3:max-keys", "10.0", "10")},
				{"negative", allowed, asked("NumericLessThan", "s3:max-keys", "0", "-1")},
				{"negative, of two", allowed, asked("NumericGreaterThan", "s3:max-keys", "-10", "-9")},
				{"zero", allowed, asked("NumericLessThanEquals", "s3:max-keys", "0", "0")},
				{"equal, with OrEquals", allowed, asked("NumericGreaterThanEquals", "s3:max-keys", "1.5", "1.5")},
				{"large integers that differ in the last digit", implicit,
					asked("NumericEquals", "s3:max-keys", "9007199254740993", "9007199254740992")},
			},
			negative: examples{
				{"as text it would be below", implicit, asked("NumericLessThan", "s3:max-keys", "9", "10")},
				{"equal is not below", implicit, asked("NumericLessThan", "s3:TlsVersion", "1.2", "1.2")},
				{"equal is not above", implicit, asked("NumericGreaterThan", "s3:max-keys", "1.5", "1.50")},
				{"another decimal", implicit, asked("NumericEquals", "s3:max-keys", "0.5", "0.05")},
				{"above", implicit, asked("NumericLessThanEquals", "s3:max-keys", "1.5", "1.51")},
				{"StringEquals compares text", implicit, asked("StringEquals", "s3:max-keys", "10", "10.0")},
			},
		},
		{
			heading: "Conditions: Date: ISO 8601 or epoch seconds",
			positive: examples{
				{"both ISO 8601", allowed,
					asked("DateGreaterThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z")},
				{"both epoch seconds", allowed, asked("DateGreaterThan", "aws:EpochTime", "1769817600", "1769817601")},
				{"epoch in the policy, ISO 8601 in the request", allowed,
					asked("DateEquals", "aws:CurrentTime", "1769817600", "2026-01-31T00:00:00Z")},
				{"ISO 8601 in the policy, epoch in the request", allowed,
					asked("DateEquals", "aws:EpochTime", "2026-01-31T00:00:00Z", "1769817600")},
				{"another time zone", allowed,
					asked("DateEquals", "aws:CurrentTime", "2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00Z")},
				{"a fraction of a second", allowed,
					asked("DateGreaterThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00.5Z")},
				{"epoch seconds are not compared as text", allowed,
					asked("DateLessThan", "aws:EpochTime", "1000000000", "999999999")},
				{"a day alone", allowed, asked("DateGreaterThanEquals", "aws:CurrentTime", "2026-01-31", "2026-01-31T00:00:00Z")},
				{"equal, with OrEquals", allowed,
					asked("DateLessThanEquals", "aws:CurrentTime", "2026-01-31T00:00:00Z", "1769817600")},
			},
			negative: examples{
				{"before", implicit, asked("DateGreaterThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-30T00:00:00Z")},
				{"before, mixed", implicit, asked("DateGreaterThan", "aws:CurrentTime", "1769817600", "2026-01-30T23:59:59Z")},
				{"a second later is not equal", implicit,
					asked("DateEquals", "aws:EpochTime", "2026-01-31T00:00:00Z", "1769817601")},
				{"the same clock in another time zone", implicit,
					asked("DateEquals", "aws:CurrentTime", "2026-01-31T00:00:00+01:00", "2026-01-31T00:00:00Z")},
				{"equal is not after", implicit,
					asked("DateGreaterThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "1769817600")},
			},
		},
		{
			heading: "Conditions: IP: CIDR v4 and v6",
			positive: examples{
				{"v4, the first", allowed, asked("IpAddress", "aws:SourceIp", "203.0.113.0/24", "203.0.113.0")},
				{"v4, the last", allowed, asked("IpAddress", "aws:SourceIp", "203.0.113.0/24", "203.0.113.255")},
				{"v4, not on a byte's border", allowed, asked("IpAddress", "aws:SourceIp", "10.0.0.128/25", "10.0.0.200")},
				{"v4, a wide one", allowed, asked("IpAddress", "aws:SourceIp", "10.0.0.0/8", "10.255.0.1")},
				{"v6", allowed, asked("IpAddress", "aws:SourceIp", "2001:db8::/32", "2001:db8:1234::1")},
				{"v6, another spelling", allowed,
					asked("IpAddress", "aws:SourceIp", "2001:DB8:0:0::/64", "2001:0db8:0000:0000:0000:0000:0000:0001")},
				{"v6, one address", allowed, asked("IpAddress", "aws:SourceIp", "2001:db8::1/128", "2001:db8::1")},
				{"v6, not on a byte's border", allowed,
					asked("IpAddress", "aws:SourceIp", "2001:db8:8000::/33", "2001:db8:ffff::1")},
				{"v4 and v6 in one list", allowed,
					granted(when("IpAddress", "aws:SourceIp", "203.0.113.0/24", "2001:db8::/32"), given("aws:SourceIp", "2001:db8::1"))},
				{"negated", implicit, asked("NotIpAddress", "aws:SourceIp", "2001:db8::/32", "2001:db8::1")},
			},
			negative: examples{
				{"v4, the next", implicit, asked("IpAddress", "aws:SourceIp", "203.0.113.0/24", "203.0.114.0")},
				{"v4, the one before", implicit, asked("IpAddress", "aws:SourceIp", "10.0.0.128/25", "10.0.0.127")},
				{"v4, as text it would begin alike", implicit, asked("IpAddress", "aws:SourceIp", "10.0.0.1/32", "10.0.0.10")},
				{"v6, the next", implicit, asked("IpAddress", "aws:SourceIp", "2001:db8::/32", "2001:db9::1")},
				{"v6, the other half", implicit, asked("IpAddress", "aws:SourceIp", "2001:db8:8000::/33", "2001:db8:7fff::1")},
				{"negated", allowed, asked("NotIpAddress", "aws:SourceIp", "2001:db8::/32", "2001:db9::1")},
			},
		},
		{
			heading: "Conditions: IP: bare v4 is /32",
			positive: examples{
				{"that address", allowed, asked("IpAddress", "aws:SourceIp", "203.0.113.7", "203.0.113.7")},
				{"negated, that address", implicit, asked("NotIpAddress", "aws:SourceIp", "203.0.113.7", "203.0.113.7")},
				{"in a list", allowed,
					granted(when("IpAddress", "aws:SourceIp", "203.0.113.7", "203.0.113.9"), given("aws:SourceIp", "203.0.113.9"))},
			},
			negative: examples{
				{"the next", implicit, asked("IpAddress", "aws:SourceIp", "203.0.113.7", "203.0.113.8")},
				{"the network's number is no network", implicit, asked("IpAddress", "aws:SourceIp", "203.0.113.0", "203.0.113.1")},
				{"negated, the next", allowed, asked("NotIpAddress", "aws:SourceIp", "203.0.113.7", "203.0.113.8")},
			},
		},
		{
			heading: "Conditions: IP: /0 matches everything of its family",
			positive: examples{
				{"v4", allowed, asked("IpAddress", "aws:SourceIp", "0.0.0.0/0", "203.0.113.7")},
				{"v4, the last of all", allowed, asked("IpAddress", "aws:SourceIp", "0.0.0.0/0", "255.255.255.255")},
				{"v6", allowed, asked("IpAddress", "aws:SourceIp", "::/0", "2001:db8::1")},
				{"v6, the last of all", allowed,
					asked("IpAddress", "aws:SourceIp", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
				{"negated", implicit, asked("NotIpAddress", "aws:SourceIp", "0.0.0.0/0", "203.0.113.7")},
			},
			negative: examples{
				{"v4 for v6", implicit, asked("IpAddress", "aws:SourceIp", "0.0.0.0/0", "2001:db8::1")},
				{"v6 for v4", implicit, asked("IpAddress", "aws:SourceIp", "::/0", "203.0.113.7")},
				{"/1 matches half", implicit, asked("IpAddress", "aws:SourceIp", "0.0.0.0/1", "203.0.113.7")},
			},
		},
		{
			heading: "Conditions: IP: a family mismatch is no match",
			positive: examples{
				{"v4 for v6", implicit, asked("IpAddress", "aws:SourceIp", "203.0.113.0/24", "2001:db8::1")},
				{"v6 for v4", implicit, asked("IpAddress", "aws:SourceIp", "2001:db8::/32", "203.0.113.7")},
				{"negated, v4 for v6", allowed, asked("NotIpAddress", "aws:SourceIp", "0.0.0.0/0", "2001:db8::1")},
				{"negated, v6 for v4", allowed, asked("NotIpAddress", "aws:SourceIp", "::/0", "203.0.113.7")},
				{"in a Deny", explicit,
					cross(identity(allow(), deny(when("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"))),
						given("aws:SourceIp", "2001:db8::1"))},
			},
			negative: examples{
				{"a range of each family", allowed,
					granted(when("IpAddress", "aws:SourceIp", "::/0", "203.0.113.0/24"), given("aws:SourceIp", "203.0.113.7"))},
				{"the same family", allowed, asked("IpAddress", "aws:SourceIp", "2001:db8::/32", "2001:db8::1")},
			},
		},
		{
			heading: "Conditions: a variable without a value never equals: positive is false, negated is true",
			positive: examples{
				{"StringEquals", implicit, asked("StringEquals", prefix, "${aws:username}", "U")},
				{"StringEquals with its own text", implicit, asked("StringEquals", prefix, "${aws:username}", "${aws:username}")},
				{"StringLike with *", implicit, asked("StringLike", prefix, "${aws:username}*", "U")},
				{"StringEqualsIgnoreCase", implicit, asked("StringEqualsIgnoreCase", prefix, "${aws:username}", "u")},
				{"ArnLike", implicit, asked("ArnLike", source, "arn:aws:s3:::${aws:username}*", bucket)},
				{"StringNotEquals", allowed, asked("StringNotEquals", prefix, "${aws:username}", "U")},
				{"StringNotLike with *", allowed, asked("StringNotLike", prefix, "${aws:username}*", "U")},
				{"StringNotEqualsIgnoreCase", allowed, asked("StringNotEqualsIgnoreCase", prefix, "${aws:username}", "u")},
				{"ArnNotEquals", allowed, asked("ArnNotEquals", source, "arn:aws:s3:::${aws:username}*", bucket)},
				{"in a Deny, negated", explicit,
					cross(identity(allow(), deny(when("StringNotEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}"))),
						given("aws:ResourceTag/team", "red"))},
				{"IfExists, and the condition's own key is there", implicit,
					asked("StringEqualsIfExists", prefix, "${aws:username}", "U")},
				{"ForAnyValue", implicit,
					granted(when("ForAnyValue:StringEquals", tags, "${aws:username}"), givenMany(tags, "U"))},
				{"ForAllValues, negated", allowed,
					granted(when("ForAllValues:StringNotEquals", tags, "${aws:username}"), givenMany(tags, "U"))},
			},
			negative: examples{
				{"with a value", allowed,
					granted(when("StringEquals", prefix, "${aws:username}"), given(prefix, "U"), given("aws:username", "U"))},
				{"with a value, negated", implicit,
					granted(when("StringNotEquals", prefix, "${aws:username}"), given(prefix, "U"), given("aws:username", "U"))},
				{"another value beside it", allowed,
					granted(when("StringEquals", prefix, "${aws:username}", "U"), given(prefix, "U"))},
				{"another value beside it, negated", implicit,
					granted(when("StringNotEquals", prefix, "${aws:username}", "U"), given(prefix, "U"))},
				{"with a default", allowed, granted(when("StringEquals", prefix, "${aws:username, 'U'}"), given(prefix, "U"))},
			},
		},
	}
}
