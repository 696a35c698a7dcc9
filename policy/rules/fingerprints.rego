# METADATA
# title: Fingerprints
# description: |
#   What a policy says, as a short text: the same for every spelling of the same, another for whatever means something else. By it a
#   reviewed exception knows what it was made for.
package pulumi.fingerprints

import data.iam.operators

# METADATA
# title: Of anything
# description: |
#   128 bits of the SHA-256 of a value, so that nobody finds two meanings with the same: one to be reviewed, and one to take its place.
of(meaning) := concat("", ["sha256:", substring(crypto.sha256(json.marshal(meaning)), 0, 32)])

# METADATA
# title: What a policy says
# description: Its statements, in no order.
policy(document) := {_statement(source, document) | some source in _list(document.Statement)}

# METADATA
# title: What a statement says
# description: The statement, and where it allows, what the Deny statements beside it leave of that.
statement(document, index) := {"statement": _statement(source, document), "denied": _denied(source, document)} if {
	source := _list(document.Statement)[index]
}

_denied(source, _) := "" if source.Effect == "Deny"

_denied(source, document) := _denials(document) if source.Effect != "Deny"

# Worked out once for a document, however many of its statements are asked for.
_denials(document) := of({_statement(source, document) |
	some source in _list(document.Statement)
	source.Effect == "Deny"
})

_statement(source, document) := {
	"effect": source.Effect,
	"principals": {[element, name] | some element in ["Principal", "NotPrincipal"]; some name in _names(source[element])},
	"actions": {[element, lower(action)] | some element in ["Action", "NotAction"]; some action in _list(source[element])},
	"on": on,
	"version": _version(on, document),
} if {
	on := {
		"resources": {[element, resource] | some element in ["Resource", "NotResource"]; some resource in _list(source[element])},
		"conditions": {[_operator(written), lower(key), values] |
			some written, block in object.get(source, "Condition", {})
			some key, wanted in block
			values := {_value(_operator(written).compares, operators.text(value)) | some value in _list(wanted)}
		},
	}
}

# The version of the language decides what a variable is, and nothing else.
_version(on, document) := object.get(document, "Version", "2008-10-17") if contains(json.marshal(on), "${")

else := ""

_names(principal) := {["AWS", _account(principal)]} if is_string(principal)

else := {[type, _account(name)] | some type, names in principal; some name in _list(names)}

# An account is named by its id as by its root.
_account(name) := regex.replace(name, `^arn:aws:iam::([0-9]{12}):root$`, "$1")

# An operator by what it does: ArnEquals is ArnLike.
_operator(written) := operators.parse(written)

_value(compares, text) := lower(text) if compares in {"bool", "folded", "presence"}

else := text

_list(value) := value if is_array(value)

else := [value]
