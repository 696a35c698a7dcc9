# METADATA
# title: Exceptions
# description: |
#   Findings that somebody has looked at and answers for, until a date. They are data: a list of {"rule", "resource", "fingerprint",
#   "owner", "reason", "expires"} in data.exceptions. The resource is a URN, and the fingerprint is that of the finding, which is another
#   as soon as the policy means something else.
package pulumi.exceptions

import data.iam.operators
import data.pulumi.stacks

# METADATA
# title: The exception that covers a finding
# description: The one that holds for the longest time; undefined where none does. Nothing covers what could not be judged.
covering(finding) := exception if {
	finding.category != "integrity"
	until := _valid[[finding.rule, finding.urn, finding.fingerprint]]
	exception := until[max(object.keys(until))]
}

# METADATA
# scope: document
# title: Malformed exceptions
# description: What is wrong with the list of exceptions, as sentences.
malformed contains "The exceptions are not a list" if {
	data.exceptions != null # as YAML has an empty list
	not is_array(data.exceptions)
}

malformed contains sprintf("The exception number %d, counted from 0, %s", [i, fault]) if {
	some i, exception in _given
	fault := _fault(exception)
}

# METADATA
# title: Exceptions that are shown
# description: Those of which the input shows whether there still is what they are for.
shown := [exception | some exception in _sound; _shown(exception)]

# METADATA
# title: Stale exceptions
# description: Those that are shown and cover none of the findings, or no longer, as {"stack", "urn", "message"}.
stale(findings) := [{"stack": _stack(exception), "urn": exception.resource, "message": message} |
	found := {[finding.rule, finding.urn, finding.fingerprint] | some finding in findings}
	places := {[finding.rule, finding.urn] | some finding in findings}
	some exception in shown
	message := sprintf("The exception of %s for %s %s", [exception.owner, exception.rule, _staleness(exception, found, places)])
]

_staleness(exception, found, places) := sprintf("expired on %s", [exception.expires]) if _expired(exception)

else := "covers nothing that is found any more" if not [exception.rule, exception.resource] in places

else := "covers something else than what is found now" if {
	not [exception.rule, exception.resource, exception.fingerprint] in found
}

_shown(exception) if {
	not exception.rule in _of_both_halves
	_looked_at(exception)
}

# Where only one of the halves is shown, they cannot disagree.
_shown(exception) if {
	count(_whole) > 1
	_stack(exception) in _whole
}

_looked_at(exception) if exception.resource in _urns

_looked_at(exception) if _stack(exception) in _whole

_of_both_halves := {"one-sided-grant", "other-role"}

_urns := {resource.urn | some resource in stacks.resources}

# The stacks of which the input shows everything: the stack itself is one of its resources.
_whole := {resource.stack | some resource in stacks.of_type("pulumi:pulumi:Stack")}

_stack(exception) := split(trim_prefix(exception.resource, "urn:pulumi:"), "::")[0]

# By rule, resource and fingerprint, then by the day on which they expire.
_valid := object.union_n([{[exception.rule, exception.resource, exception.fingerprint]: {exception.expires: exception}} |
	some exception in _sound
	not _expired(exception)
])

_sound := [exception | some exception in _given; not _fault(exception)]

_given := data.exceptions if is_array(data.exceptions)

else := []

_fault(exception) := "is not an object" if not is_object(exception)

else := sprintf("has %s, which is nothing that an exception has", [concat(", ", sort(unknown))]) if {
	unknown := object.keys(exception) - _elements
	count(unknown) > 0
}

else := sprintf("has no %s", [concat(", ", sort(missing))]) if {
	missing := {element | some element in _elements; not _filled(exception, element)}
	count(missing) > 0
}

else := sprintf("is for %s, which is not the URN of a resource", [exception.resource]) if {
	not startswith(exception.resource, "urn:pulumi:")
}

else := sprintf("expires on %s, which is no date such as 2026-12-31", [exception.expires]) if not _day(exception)

_elements := {"rule", "resource", "fingerprint", "owner", "reason", "expires"}

_filled(exception, element) if trim_space(exception[element]) != ""

# The day on which the exception expires, at its beginning; it holds until the end of it, in UTC.
_day(exception) := operators.instant(exception.expires) if regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, exception.expires)

_expired(exception) if time.now_ns() >= _day(exception) + 86400000000000
