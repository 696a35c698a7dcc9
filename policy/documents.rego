# METADATA
# title: Documents
# description: |
#   Whether the input is a case whose documents AWS would take. The engine in Go reads more strictly and says what is wrong; this is for
#   those who ask the modules directly, so that a malformed document never decides anything.
# related_resources:
#   - description: Grammar of the IAM JSON policy language
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
package iam.documents

import data.iam.operators
import data.iam.principals
import data.iam.unknowns

# METADATA
# title: The input is a well-formed case
# description: True or undefined.
well_formed if {
	_request
	_all_named(input.identityPolicies, "")
	_all_named(object.get(input, "permissionBoundaries", []), "")
	_all_levels(object.get(input, "scps", []), "")
	_all_levels(object.get(input, "rcps", []), "Principal")
	every policy in [policy | policy := input.resourcePolicy] {
		_document(policy, "Principal")
	}
	every policy in [policy | policy := input.sessionPolicy] {
		_document(policy, "")
	}
}

_request if {
	principals.kind
	_text(input.request.action, `^[A-Za-z0-9-]+:[A-Za-z0-9]+$`)
	_text(input.request.resource.resource, `^(?:\*$|arn:(?:[^:]*:){4})`)
	_text(input.request.resource.accountId, `^[0-9]{12}$`)
	context := object.get(input.request, "context", {})
	count({lower(key) | some key, _ in context}) == count(context)
	every value in context {
		_strings(value)
	}
}

_text(value, pattern) if regex.match(pattern, value)

_text(value, _) if unknowns.unknown(value)

_strings(value) if is_string(value)

_strings(value) if {
	is_array(value)
	every one in value {
		is_string(one)
	}
}

_all_named(policies, principal) if {
	is_array(policies)
	every entry in policies {
		is_string(entry.name)
		_document(entry.policy, principal)
	}
}

_all_levels(entries, principal) if _all_named(entries, principal)

_all_levels(entries, principal) if {
	is_array(entries)
	every entry in entries {
		is_string(entry.orgIdentifier)
		_all_named(entry.policies, principal)
	}
}

# `principal` is the element that says whom a statement is about, empty where statements have none.
_document(policy, _) if unknowns.unknown(policy)

# This is how a case writes a policy that says nothing.
_document(policy, _) if policy == {}

_document(policy, principal) if {
	object.keys(policy) - {"Version", "Id", "Statement"} == set()
	_text(object.get(policy, "Version", "2008-10-17"), `^20(?:08-10|12-10)-17$`)
	_all_statements(policy.Statement, principal)
}

_all_statements(statements, _) if unknowns.unknown(statements)

_all_statements(statements, principal) if _statement(statements, principal)

_all_statements(statements, principal) if {
	is_array(statements)
	count(statements) > 0
	every statement in statements {
		_statement_or_unknown(statement, principal)
	}
}

_statement_or_unknown(statement, _) if unknowns.unknown(statement)

_statement_or_unknown(statement, principal) if _statement(statement, principal)

_statement(statement, principal) if {
	object.keys(statement) - _elements == set()
	_text(statement.Effect, `^(?:Allow|Deny)$`)
	_whom(statement, principal)
	_what(statement, "Action", `^(?:\*|[^:\s]+:[^:\s]+)$`)
	_on_what(statement)
	_conditions(object.get(statement, "Condition", {}))
}

_elements := {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

_whom(statement, "") if object.keys(statement) & {"Principal", "NotPrincipal"} == set()

_whom(statement, "Principal") if {
	some name in ["Principal", "NotPrincipal"]
	object.keys(statement) & {"Principal", "NotPrincipal"} == {name}
	_named_principals(statement[name])
}

_named_principals("*")

_named_principals(principal) if unknowns.unknown(principal)

_named_principals(principal) if {
	count(principal) > 0
	object.keys(principal) - {"AWS", "Service", "Federated", "CanonicalUser"} == set()
	every names in principal {
		_texts(names, `.`)
	}
}

_what(statement, element, pattern) if {
	names := {element, concat("", ["Not", element])}
	some name in names
	object.keys(statement) & names == {name}
	_texts(statement[name], pattern)
}

_on_what(statement) if _what(statement, "Resource", `.`)

# A role's trust policy does not name the role, nor does the policy of a repository of images.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
_on_what(statement) if {
	object.keys(statement) & {"Resource", "NotResource"} == set()
	regex.match(`^arn:[^:]*:(?:iam:[^:]*:[^:]*:role|ecr(?:-public|public)?:[^:]*:[^:]*:repository)/`, input.request.resource.resource)
}

_texts(value, pattern) if _text(value, pattern)

_texts(value, pattern) if {
	is_array(value)
	count(value) > 0
	every one in value {
		_text(one, pattern)
	}
}

_conditions(blocks) if unknowns.unknown(blocks)

_conditions(blocks) if {
	is_object(blocks)
	every operator, block in blocks {
		_block(operators.parse(operator), block)
	}
}

_block(_, block) if unknowns.unknown(block)

_block(operator, block) if {
	is_object(block)
	every value in block {
		_values(operator, value)
	}
}

_values(operator, value) if _value(operator, value)

_values(operator, value) if {
	is_array(value)
	count(value) > 0
	every one in value {
		_value(operator, one)
	}
}

_value(_, value) if unknowns.unknown(value)

_value(operator, value) if {
	type_name(value) in {"string", "number", "boolean"}
	not operator.compares in {"date", "address"}
}

_value(operator, value) if {
	operator.compares == "date"
	operators.instant(operators.text(value))
}

_value(operator, value) if {
	operator.compares == "address"
	operators.network(value)
}
