# METADATA
# title: Condition operators
# description: What the condition operators of IAM compare.
# related_resources:
#   - description: IAM JSON policy elements, Condition operators
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
package iam.operators

# The condition operators by name, without set operator and IfExists. `negated` operators ask that no value be alike; `order` holds the
# outcomes of a comparison that an operator accepts, less (-1), the same (0), greater (1).
_table["StringEquals"] := {"compares": "text", "negated": false}

_table["StringNotEquals"] := {"compares": "text", "negated": true}

_table["StringEqualsIgnoreCase"] := {"compares": "folded", "negated": false}

_table["StringNotEqualsIgnoreCase"] := {"compares": "folded", "negated": true}

_table["StringLike"] := {"compares": "pattern", "negated": false}

_table["StringNotLike"] := {"compares": "pattern", "negated": true}

_table["ArnEquals"] := {"compares": "arn", "negated": false}

_table["ArnLike"] := {"compares": "arn", "negated": false}

_table["ArnNotEquals"] := {"compares": "arn", "negated": true}

_table["ArnNotLike"] := {"compares": "arn", "negated": true}

_table["Bool"] := {"compares": "bool", "negated": false}

_table["NumericEquals"] := {"compares": "number", "negated": false, "order": {0}}

_table["NumericNotEquals"] := {"compares": "number", "negated": true, "order": {0}}

_table["NumericLessThan"] := {"compares": "number", "negated": false, "order": {-1}}

_table["NumericLessThanEquals"] := {"compares": "number", "negated": false, "order": {-1, 0}}

_table["NumericGreaterThan"] := {"compares": "number", "negated": false, "order": {1}}

_table["NumericGreaterThanEquals"] := {"compares": "number", "negated": false, "order": {0, 1}}

_table["DateEquals"] := {"compares": "date", "negated": false, "order": {0}}

_table["DateNotEquals"] := {"compares": "date", "negated": true, "order": {0}}

_table["DateLessThan"] := {"compares": "date", "negated": false, "order": {-1}}

_table["DateLessThanEquals"] := {"compares": "date", "negated": false, "order": {-1, 0}}

_table["DateGreaterThan"] := {"compares": "date", "negated": false, "order": {1}}

_table["DateGreaterThanEquals"] := {"compares": "date", "negated": false, "order": {0, 1}}

_table["IpAddress"] := {"compares": "address", "negated": false}

_table["NotIpAddress"] := {"compares": "address", "negated": true}

_table["BinaryEquals"] := {"compares": "binary", "negated": false}

_table["Null"] := {"compares": "presence", "negated": false}

# METADATA
# title: An operator as it is written
# description: |
#   What it `compares`, whether it is `negated` and which `order` it accepts, with `set` (ForAllValues, ForAnyValue or empty) and
#   `if_exists`. Undefined for an operator that AWS does not have.
parse(written) := object.union(_table[parts[2]], {"set": parts[1], "if_exists": parts[3] != ""}) if {
	parts := regex.find_all_string_submatch_n(`^(?:(ForAllValues|ForAnyValue):)?(.+?)(IfExists)?$`, written, 1)[0]
	not parts == ["NullIfExists", "", "Null", "IfExists"]
}

# METADATA
# title: A value of a policy as a text
# description: A number or boolean counts as its text.
text(value) := value if is_string(value)

else := json.marshal(value)

# METADATA
# title: A number
# description: An integer or decimal; undefined for a text that is none.
number(text) := to_number(text) if regex.match(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`, text)

# METADATA
# title: An instant
# description: |
#   In nanoseconds since 1970, from seconds since 1970 or a date, with or without a time, in the W3C profile of ISO 8601; undefined for
#   a text that is neither.
# related_resources:
#   - description: Date and Time Formats
#     ref: https://www.w3.org/TR/NOTE-datetime
instant(text) := to_number(text) * 1000000000 if regex.match(`^(?:0|-?[1-9][0-9]{0,2}|-?[1-9][0-9]{4,17})$`, text)

else := _instant(to_number(parts[1]), parts[2], _clock(parts[3])) if {
	parts := regex.find_all_string_submatch_n(`^([1-9][0-9]{3})(-[0-9]{2}-[0-9]{2})(?:T(.+))?$`, text, 1)[0]
}

_clock("") := "00:00:00Z"

_clock(text) := regex.replace(text, `^([0-9]{2}:[0-9]{2})(Z|[+-])`, `$1:00$2`) if text != ""

# The calendar repeats every 400 years, which brings any year into the range of the builtin.
_instant(year, day, clock) := time.parse_rfc3339_ns(sprintf("%d%sT%s", [near, day, clock])) + cycles if {
	near := 1680 + ((((year - 1680) % 400) + 400) % 400)
	cycles := ((year - near) / 400) * 12622780800000000000
}

# METADATA
# title: An address range
# description: In CIDR notation, from a range or a single address of version 4 or 6; undefined for a text that is neither.
network(text) := range if {
	range := _range(text)
	net.cidr_contains(range, range) # undefined for what is no range
}

_range(text) := text if contains(text, "/")

else := concat("", [text, "/128"]) if contains(text, ":")

else := concat("", [text, "/32"])
