# METADATA
# title: Comparisons
# description: What each condition operator makes of one value of the request and one value of the policy.
# related_resources:
#   - description: IAM JSON policy elements, Condition operators
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
package iam.comparisons

import data.iam.arns
import data.iam.patterns
import data.iam.unknowns
import data.iam.variables

# METADATA
# title: The condition operators
# description: |
#   What each compares, and whether it is negated: then `compare` tells how far the values are alike, and the operator asks for the
#   opposite. `order` holds the outcomes of a comparison that it accepts: less (-1), the same (0), greater (1).
operators := {
	"StringEquals": {"compares": "text", "negated": false},
	"StringNotEquals": {"compares": "text", "negated": true},
	"StringEqualsIgnoreCase": {"compares": "folded", "negated": false},
	"StringNotEqualsIgnoreCase": {"compares": "folded", "negated": true},
	"StringLike": {"compares": "pattern", "negated": false},
	"StringNotLike": {"compares": "pattern", "negated": true},
	"ArnEquals": {"compares": "arn", "negated": false},
	"ArnLike": {"compares": "arn", "negated": false},
	"ArnNotEquals": {"compares": "arn", "negated": true},
	"ArnNotLike": {"compares": "arn", "negated": true},
	"Bool": {"compares": "bool", "negated": false},
	"NumericEquals": {"compares": "number", "negated": false, "order": {0}},
	"NumericNotEquals": {"compares": "number", "negated": true, "order": {0}},
	"NumericLessThan": {"compares": "number", "negated": false, "order": {-1}},
	"NumericLessThanEquals": {"compares": "number", "negated": false, "order": {-1, 0}},
	"NumericGreaterThan": {"compares": "number", "negated": false, "order": {1}},
	"NumericGreaterThanEquals": {"compares": "number", "negated": false, "order": {0, 1}},
	"DateEquals": {"compares": "date", "negated": false, "order": {0}},
	"DateNotEquals": {"compares": "date", "negated": true, "order": {0}},
	"DateLessThan": {"compares": "date", "negated": false, "order": {-1}},
	"DateLessThanEquals": {"compares": "date", "negated": false, "order": {-1, 0}},
	"DateGreaterThan": {"compares": "date", "negated": false, "order": {1}},
	"DateGreaterThanEquals": {"compares": "date", "negated": false, "order": {0, 1}},
	"IpAddress": {"compares": "address", "negated": false},
	"NotIpAddress": {"compares": "address", "negated": true},
	"BinaryEquals": {"compares": "binary", "negated": false},
	"Null": {"compares": "presence", "negated": false},
}

# METADATA
# title: How far a value of the request and a value of the policy are alike
# description: |
#   For a negated operator this is what it must not be. Both values are texts; 0 for what AWS does not document, malformed values
#   among them, and for a value of the policy that is not known yet.
compare(operator, value, wanted, version) := truth if {
	truth := _compare(operators[operator].compares, operator, value, wanted, version)
	truth != -1
}
else := 0 if unknowns.unknown(wanted)
else := -1

_compare("text", _, value, wanted, version) := 1 if value == wanted
else := _filled_in(value, variables.fill_in(wanted, false)) if variables.used(wanted, version)
else := -1

_compare("folded", _, value, wanted, version) := 1 if lower(value) == lower(wanted)
else := _filled_in(lower(value), _folded(variables.fill_in(wanted, false))) if variables.used(wanted, version)
else := -1

_compare("pattern", _, value, wanted, version) := _filled_in(value, variables.fill_in(wanted, true)) if {
	variables.used(wanted, version)
}
else := -1 if variables.used(wanted, version) # one of them has no value
else := 1 if patterns.glob(wanted, value)
else := -1

_compare("arn", _, value, wanted, version) := _arn_filled_in(arns.parse(value), variables.fill_in(wanted, true)) if {
	variables.used(wanted, version)
	arns.parse(value)
}
else := -1 if {
	variables.used(wanted, version) # one of them has no value
	arns.parse(value)
}
else := _arn(arns.parse(value), wanted) if arns.parse(value)
else := 0

_compare("bool", _, value, wanted, _) := 1 if lower(value) == lower(wanted)
else := -1

_compare("number", operator, value, wanted, _) := truth if {
	truth := _ordered(operators[operator].order, _number(value), _number(wanted))
}
else := 0

_compare("date", operator, value, wanted, _) := truth if {
	truth := _ordered(operators[operator].order, _date(value), _date(wanted))
}
else := 0

_compare("address", _, value, wanted, _) := truth if {
	truth := _contained(_network(wanted), value)
}
else := 0

_compare("binary", _, _, _, _) := 0

# A variable without a value makes fill_in undefined: nothing is alike.
_filled_in(value, filled) := 1 if {
	patterns.glob_escaped(filled.strict, value)
	patterns.glob_escaped(filled.loose, value)
}
else := 0 if patterns.glob_escaped(filled.loose, value)
else := -1

_folded(filled) := {"strict": _lower(filled.strict), "loose": lower(filled.loose)}

_lower(text) := lower(text) if is_string(text)
else := null

_arn_filled_in(arn, filled) := 1 if {
	arns.covers_escaped(filled.strict, arn) == 1
	arns.covers_escaped(filled.loose, arn) == 1
}
else := 0 if arns.covers_escaped(filled.loose, arn) > -1
else := -1

_arn(arn, pattern) := arns.covers(pattern, arn) if arns.parse(pattern)
else := 0

_ordered(accepted, value, wanted) := 1 if {
	_sign(value, wanted) in accepted
}
else := -1 if _sign(value, wanted)

_sign(value, wanted) := 0 if value == wanted
else := -1 if value < wanted
else := 1 if value > wanted

_number(text) := to_number(text) if regex.match(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`, text)

# An instant in nanoseconds since 1970. The W3C profile of ISO 8601 asks for a time zone with a time.
# https://www.w3.org/TR/NOTE-datetime
_date(text) := to_number(text) * 1000000000 if regex.match(`^(?:0|-?[1-9][0-9]{0,2}|-?[1-9][0-9]{4,17})$`, text)
else := _instant(to_number(parts[1]), parts[2], _time(parts[3])) if {
	parts := regex.find_all_string_submatch_n(`^([1-9][0-9]{3})(-[0-9]{2}-[0-9]{2})(?:T(.+))?$`, text, 1)[0]
}

_time("") := "00:00:00Z"

_time(text) := regex.replace(text, `^([0-9]{2}:[0-9]{2})(Z|[+-])`, `$1:00$2`) if text != ""

# The calendar repeats every 400 years, which brings any year into the range of the builtin.
_instant(year, day, clock) := time.parse_rfc3339_ns(sprintf("%d%sT%s", [near, day, clock])) + cycles if {
	near := 1680 + (((year - 1680) % 400) + 400) % 400
	cycles := ((year - near) / 400) * 12622780800000000000
}

# A single address is the network of this address.
_network(text) := text if contains(text, "/")
else := concat("", [text, "/128"]) if contains(text, ":")
else := concat("", [text, "/32"])

# An address of the other family is in no network; a network is no address.
_contained(network, value) := _yes_or_no(net.cidr_contains(network, value)) if not contains(value, "/")

_yes_or_no(true) := 1

_yes_or_no(false) := -1
