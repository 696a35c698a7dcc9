# METADATA
# title: Findings
# description: The one shape of what the rules find.
package pulumi.findings

import data.pulumi.fingerprints

# METADATA
# title: Statements
# description: The prepared statements of an attachment's policy.
statements(attachment) := attachment.document.statements

# METADATA
# title: Allow statements
# description: Those that allow.
allows(attachment) := [statement |
	some statement in statements(attachment)
	statement.effect == "Allow"
]

# METADATA
# title: A finding about a statement
# description: The rule is the METADATA of the rule that finds it; the witness is a request, or null.
on_statement(rule, attachment, index, severity, message, witness) := object.union_n([
	_on(rule, attachment, severity, message),
	_witness(witness),
	{"statement": object.union({"index": index}, _sid(attachment.policy, index))},
	_fingerprint(rule, severity, [said | said := fingerprints.statement(attachment.policy, index)]),
])

_sid(policy, index) := {"sid": sid} if sid := policy.Statement[index].Sid

else := {"sid": policy.Statement.Sid} if is_object(policy.Statement)

else := {}

# METADATA
# title: A finding about a policy
# description: See on_statement. What else the finding depends on, the attachment may have as "beside".
on_policy(rule, attachment, severity, message, witness) := object.union_n([
	_on(rule, attachment, severity, message),
	_witness(witness),
	_fingerprint(rule, severity, [[said, object.get(attachment, "beside", "")] | said := fingerprints.policy(attachment.policy)]),
])

# Condition keys as AWS writes them; of case in keys, policies and the evaluator know nothing.
_spelled(context) := {object.get(_spellings, key, key): value | some key, value in context}

_spellings[lower(key)] := key if {
	some key in [
		"aws:CalledVia", "aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalIsAWSService",
		"aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalServiceName", "aws:PrincipalType", "aws:Referer",
		"aws:RequestedRegion", "aws:ResourceAccount", "aws:ResourceOrgID", "aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn",
		"aws:SourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:UserAgent", "aws:ViaAWSService", "aws:VpcSourceIp",
		"kms:CallerAccount", "kms:ViaService", "s3:TlsVersion", "s3:VersionId", "s3:authType", "s3:signatureversion",
	]
}

# METADATA
# title: A finding about a resource
# description: The resource has a stack and a URN. What is wrong with it is what the message says.
on_resource(rule, resource, severity, message) := object.union(
	_on(rule, resource, severity, message),
	_fingerprint(rule, severity, [message]),
)

_on(rule, resource, severity, message) := object.union(_about(rule, severity, message), {
	"stack": resource.stack,
	"urn": resource.urn,
})

_witness(null) := {}

_witness(witness) := {"witness": object.union(object.remove(witness, ["context"]), {"context": _spelled(witness.context)})} if {
	witness != null
}

# The severity is part of it: the same statement can become worse by what else there is. What could not be judged has none.
_fingerprint(rule, severity, meanings) := {"fingerprint": fingerprints.of([severity, meaning]) |
	rule.custom.category != "integrity"
	some meaning in meanings
}

# METADATA
# title: A finding about an exception
# description: The exception has a stack and a URN. There are no exceptions of exceptions, so that the finding has no fingerprint.
on_exception(rule, exception, severity, message) := _on(rule, exception, severity, message)

# METADATA
# title: A finding about a file
# description: The file is one of those of the input.
on_file(rule, file, severity, message) := object.union(_about(rule, severity, concat(" ", [x | some x in [file.path, message]; x != ""])), {
	"stack": "",
	"urn": "",
})

_about(rule, severity, message) := {
	"rule": rule.custom.id,
	"category": rule.custom.category,
	"severity": severity,
	"blocking": severity in {"critical", "high", "medium"},
	"message": message,
	"msg": sprintf("%s: %s", [rule.custom.id, message]), # which conftest asks for
	"remediation": rule.custom.remediation,
	"docs": concat("", ["docs/rules.md#", rule.custom.id]),
}
