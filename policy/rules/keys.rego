# METADATA
# title: Keys
# description: |
#   Whether the roles that use a bucket may use the key that encrypts its objects: S3 asks KMS in the role's name, so that the policies of
#   the role and of the key both have a say besides those about the bucket. Only what is among the stacks of the input is looked at.
# related_resources:
#   - description: Using server-side encryption with AWS KMS keys
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
#   - description: Allowing users in other accounts to use a KMS key
#     ref: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
package pulumi.keys

import data.iam.evaluation
import data.iam.preparation
import data.iam.standins
import data.iam.unknowns
import data.pulumi.attachments
import data.pulumi.roles
import data.pulumi.stacks

# METADATA
# title: What is refused
# description: |
#   Each action on a key that a role needs for what its own policies let it do with a bucket, and that it does not have, as {"resource",
#   "message"}: the resource is that of the half that does not allow it, the role or the key, or the bucket's encryption where the key
#   cannot be used from another account at all.
refused := array.concat(
	[{"resource": half.resource, "message": message} |
		some use in _uses
		some key in _keys_of(use.encryption)
		some half in _refusing(use, key)
		said := [use.role.arn, use.encryption.arn, key.name, use.action, half.title]
		message := sprintf("%s may use %s, which is encrypted with %s, but %s is not allowed by %s", said)
	],
	[{"resource": use.encryption, "message": message} |
		some use in _uses
		_of_aws(use.encryption)
		use.role.account != use.encryption.account
		message := sprintf(_no_other, [use.role.arn, use.encryption.arn])
	],
)

_no_other := "%s may use %s, which is encrypted with the key of its account that AWS manages: no other account can use it"

# What S3 asks of KMS for what is done with an object.
_needed := {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}

_uses := [{"role": role, "documents": documents, "encryption": encryption, "action": action} |
	count(_encryptions) > 0
	some role in roles.found
	role.account != ""
	read := [attachments.reading(attachment) | some attachment in role.policies]
	documents := [one.document | some one in read; one.state == "known"]
	count(documents) == count(read)
	some arn, actions in _used(documents)
	some encryption in _encryptions_by_bucket[arn]
	some action in actions
]

# The buckets that documents name, with what is needed for what they allow there.
_used(documents) := {arn: actions |
	some pair in pairs
	arn := pair.arn # regal ignore:comprehension-term-assignment
	actions := {one.action | some one in pairs; one.arn == arn}
} if {
	pairs := [{"arn": regex.replace(resource, `/.*$`, ""), "action": needed} |
		some document in documents
		some statement in document.statements
		statement.effect == "Allow"
		some action, needed in _needed
		regex.match(statement.action.pattern, action) == statement.action.covers
		some resource in _list(object.get(statement.source, "Resource", []))
		contains(resource, "/")
	]
}

# --- which key it is ---

_encryptions := [object.union(resource, {"arn": arn, "key": key, "from": from}) |
	some type in _encrypting
	some resource in stacks.of_type(type)
	some encryption in _defaults(resource)
	startswith(encryption.sseAlgorithm, "aws:kms")
	arn := concat("", ["arn:", resource.partition, ":s3:::", stacks.bucket_name(resource)])
	key := object.get(encryption, "kmsMasterKeyId", "")
	from := object.get(resource.dependencies, "rules", [])
]

_encrypting := [
	"aws:s3/bucket:Bucket",
	"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
]

_defaults(resource) := [resource.inputs.serverSideEncryptionConfiguration.rule.applyServerSideEncryptionByDefault] if {
	resource.type == "aws:s3/bucket:Bucket"
} else := [rule.applyServerSideEncryptionByDefault | some rule in resource.inputs.rules]

# regal ignore:prefer-set-or-object-rule
_encryptions_by_bucket := {arn: encryptions |
	some encryption in _encryptions
	arn := encryption.arn # regal ignore:comprehension-term-assignment
	encryptions := [one | some one in _encryptions; one.arn == arn]
}

_of_aws(encryption) if encryption.key == ""

_of_aws(encryption) if endswith(encryption.key, "alias/aws/s3")

# An id that is not known yet is that of what it comes from; a preview does not always show it.
_keys_of(encryption) := [object.union(_keys[place], {"place": place}) | some place in places] if {
	places := {place |
		some name in ({_called(encryption.key, encryption.account)} | {urn | some urn in encryption.from})
		some place in _places_by_name[name]
	}
	count(places) > 0
}

else := of_stack if {
	unknowns.unknown(encryption.key)
	of_stack := [object.union(key, {"place": place}) | some place, key in _keys; key.resource.stack == encryption.stack]
	count(of_stack) == 1
}

else := []

# Keys are called by the last part of their ARN, aliases by their account and name.
_called(id, account) := concat("/", [account, alias]) if {
	[alias] := regex.find_n(`alias/.*$`, id, 1)
}

else := regex.replace(id, `^arn:.*:key/`, "")

_keys := [{"resource": resource, "arn": arn, "name": name} |
	some resource in stacks.of_type("aws:kms/key:Key")
	arn := object.get(resource.outputs, "arn", "")
	name := [text | some text in [arn, concat(" ", ["the key", resource.name])]; text != ""][0]
]

# regal ignore:prefer-set-or-object-rule
_places_by_name := {name: places |
	some called in _all_called
	name := called.name # regal ignore:comprehension-term-assignment
	places := {one.place | some one in _all_called; one.name == name}
}

_all_called := array.concat(_keys_called, [{"name": name, "place": place} |
	some alias in _aliases
	some place in alias.places
	some name in {alias.urn, alias.name}
])

_keys_called := [{"name": name, "place": place} |
	some place, key in _keys
	some name in ({key.resource.urn, _called(key.arn, "")} - {""})
]

# What goes by a key's own name, before its aliases are known.
# regal ignore:prefer-set-or-object-rule
_places_by_own_name := {name: places |
	some called in _keys_called
	name := called.name # regal ignore:comprehension-term-assignment
	places := {one.place | some one in _keys_called; one.name == name}
}

_aliases := [{"urn": resource.urn, "name": name, "title": title, "places": places} |
	some resource in stacks.of_type("aws:kms/alias:Alias")
	title := object.get(resource.inputs, "name", "")
	name := concat("/", [resource.account, title])
	places := _places(resource, "targetKeyId")
]

_places(resource, property) := {place |
	some name in stacks.names(resource, property)
	some place in _places_by_own_name[_called(name, "")]
}

# --- what the policies say ---

# Which halves do not let the role do what it needs, if they do not together; none where one of the policies is not known.
_refusing(use, key) := [half |
	policies := _policies(key)
	not _granted(use, key, use.documents, policies)
	some half in [
		{"resource": use.role, "title": "its own policies", "identity": use.documents, "key": [_delegating(use.role.account)]},
		{"resource": key.resource, "title": "the key policy", "identity": [_anything], "key": policies},
	]
	not _granted(use, key, half.identity, half.key)
]

_granted(use, key, identity, policies) if {
	some arn in _arns(key, identity)
	some context in _contexts(use, key, array.concat(identity, policies))
	prepared := {
		"request": {
			"principal": concat("", ["arn:", use.encryption.partition, ":sts::", use.role.account, ":assumed-role/", use.role.name, "/session"]),
			"action": use.action,
			"resource": {"resource": arn, "accountId": key.resource.account},
			"context": context,
		},
		"identity": identity, "resource": policies, "boundary": [], "session": [], "scp": [], "rcp": [],
	}
	evaluation.decision in {"Allowed", "Undetermined"} with input as prepared
}

# Where there is too much to try, nothing is known to be refused.
_granted(use, key, identity, policies) if not _contexts(use, key, array.concat(identity, policies))

_contexts(use, key, documents) := standins.contexts(looked_at, _choices(use, key, looked_at)) if {
	looked_at := [condition |
		some document in documents
		some statement in document.statements
		regex.match(statement.action.pattern, use.action) == statement.action.covers
		some condition in statement.conditions
	]
}

# A key that is not there yet has no id; what names one in its account may mean it.
_arns(key, _) := {key.arn} if key.arn != ""

_arns(key, identity) := {concat(":", ["arn", key.resource.partition, "kms:us-east-1", key.resource.account, "key/not-known-yet"])} | {arn |
	some document in identity
	some statement in document.statements
	some resource in _list(object.get(statement.source, "Resource", []))
	arn := standins.instance(resource)
	regex.match(concat("", ["^arn:[^:]*:kms:[^:]+:", key.resource.account, ":key/"]), arn)
} if {
	key.arn == ""
}

# What S3 says of the role's request. What else the conditions look at, may be as they want it.
_choices(use, key, looked_at) := {
	"aws:principalaccount": [use.role.account],
	"aws:principalarn": [use.role.arn],
	"aws:resourceaccount": [key.resource.account],
	"aws:securetransport": ["true"],
	"kms:calleraccount": [use.role.account],
	"kms:encryptioncontext:aws:s3:arn": array.concat(
		[use.encryption.arn, concat("", [use.encryption.arn, "/key"])],
		_asked_for(looked_at, "kms:encryptioncontext:aws:s3:arn", concat("", [use.encryption.arn, "/"])),
	),
	"kms:resourcealiases": array.concat([null], [alias.title | some alias in _aliases; key.place in alias.places]),
	"kms:viaservice": array.concat(["s3.us-east-1.amazonaws.com"], _asked_for(looked_at, "kms:viaservice", "s3.")),
}

_asked_for(looked_at, key, beginning) := [text |
	some condition in looked_at
	condition.context_key == key
	some text in standins.instances(condition)
	startswith(text, beginning)
]

_anything := preparation.document({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})

# It leaves it to an account, as the policy of a key that is made without one does.
_delegating(account) := preparation.document({"Statement": {
	"Effect": "Allow",
	"Principal": {"AWS": account},
	"Action": "kms:*",
	"Resource": "*",
}})

_policies(key) := [_delegating(key.resource.account)] if {
	not _attached_by_place[key.place]
	not key.resource.stack in _adrift
}

else := [one.document | some one in read] if {
	attached := _attached_by_place[key.place]
	read := [attachments.reading(attachment) | some attachment in attached]
	every one in read {
		one.state == "known"
	}
}

# Stacks with a policy of which it is not known yet for which key it is.
_adrift contains resource.stack if {
	some resource in stacks.of_type("aws:kms/keyPolicy:KeyPolicy")
	_places(resource, "keyId") == set()
}

# regal ignore:prefer-set-or-object-rule
_attached_by_place := {place: policies |
	some one in _attached
	place := one.place # regal ignore:comprehension-term-assignment
	policies := [other.attachment | some other in _attached; other.place == place]
}

_attached := [{"place": place, "attachment": attachment} |
	some attachment in attachments.found
	attachment.kind == "key"
	some place in _places_by_urn[attachment.urn]
]

# regal ignore:prefer-set-or-object-rule
_places_by_urn := {urn: places |
	some one in _carriers
	urn := one.urn # regal ignore:comprehension-term-assignment
	places := {other.place | some other in _carriers; other.urn == urn}
}

_carriers := [{"urn": resource.urn, "place": place} |
	some type in {"aws:kms/key:Key", "aws:kms/keyPolicy:KeyPolicy"}
	some resource in stacks.of_type(type)
	some place in _places(resource, "keyId")
]

_list(value) := value if is_array(value)

else := [value]
