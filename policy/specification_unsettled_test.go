package policy_test

// The section "Not settled by the documentation", and the values that are not known yet. The evaluator is three-valued: the answer is Undetermined only
// where it hangs on the unsettled part, and whatever is certain without it stands.

import "cross-account-s3/policy"

// unknown is what a Pulumi preview shows for a string that is not known yet.
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

// hangs are the cases in which the answer hangs on whether a statement matches, of which only the given parts are uncertain for this request.
func hangs(uncertain part, request ...change) examples {
	requested := all(request...)
	return examples{
		{"the Allow hangs on it", undetermined, cross(identity(allow(uncertain)), requested)},
		{"a Deny hangs on it", undetermined, cross(identity(allow(), deny(uncertain)), requested)},
		{"the resource policy's Allow hangs on it", undetermined, cross(resourcePolicy(allow(uncertain)), requested)},
		{"the resource policy's Deny hangs on it", undetermined, cross(resourcePolicy(allow(), deny(uncertain)), requested)},
		{"the boundary's Allow hangs on it", undetermined, cross(boundary(allow(uncertain)), requested)},
		{"the session policy's Allow hangs on it", undetermined, cross(sessionPolicy(allow(uncertain)), requested)},
		{"an SCP's Allow hangs on it", undetermined, cross(scps(level(allow()), level(allow(uncertain))), requested)},
		{"an RCP's Deny hangs on it", undetermined, cross(rcps(level(deny(uncertain))), requested)},
		{"explicit or implicit deny hangs on it", undetermined, cross(identity(deny(uncertain)), requested)},
	}
}

// stands are the cases in which the answer is certain, whether or not the statement matches.
func stands(uncertain part, request ...change) examples {
	requested := all(request...)
	plain := all(requested, given("aws:SecureTransport", "false"))
	return examples{
		{"another statement denies", explicit, cross(identity(allow(uncertain), deny()), requested)},
		{"another policy denies", explicit, cross(identity(allow(uncertain)), resourcePolicy(allow(), deny()), requested)},
		{"an SCP denies", explicit, cross(identity(allow(uncertain)), scps(level(allow(), deny())), requested)},
		{"another statement allows", allowed, cross(identity(allow(uncertain), allow()), requested)},
		{"the action does not match", implicit, cross(identity(allow(uncertain, action("iam:CreateUser"))), requested)},
		{"the action of a Deny does not match", allowed,
			cross(identity(allow(), deny(uncertain, action("iam:CreateUser"))), requested)},
		{"another condition is false", implicit,
			cross(identity(allow(uncertain, when("Bool", "aws:SecureTransport", "true"))), plain)},
		{"another condition of a Deny is false", allowed,
			cross(identity(allow(), deny(uncertain, when("Bool", "aws:SecureTransport", "true"))), plain)},
		{"the principal does not match", implicit, cross(resourcePolicy(allow(uncertain, principal(aws(accountC)))), requested)},
		{"the other side does not allow", implicit, cross(identity(allow(uncertain)), noResourcePolicy, requested)},
		{"the boundary does not allow", implicit, cross(identity(allow(uncertain)), boundary(allow(action("iam:*"))), requested)},
		{"an SCP level does not allow", implicit,
			cross(identity(allow(uncertain)), scps(level(allow(action("iam:*")))), requested)},
	}
}

func unsettledSentences() []sentence {
	const prefix, tags, source = "s3:prefix", "aws:TagKeys", "aws:SourceArn"
	asked := func(operator, key, value, requested string) policy.Case {
		return granted(when(operator, key, value), given(key, requested))
	}
	covers := func(arn string, patterns ...string) policy.Case { return granted(resource(patterns...), on(arn)) }
	queue := "arn:aws:sqs:us-east-1:" + accountB + ":q"
	function := "arn:aws:lambda:us-east-1:" + accountB + ":function:f"
	typed := resource("arn:aws:kms:us-east-1:" + accountB + ":k*/1234abcd")
	crossing := resource("arn:aws:lambda:*:function:f")
	otherLetters := resource("arn:aws:SQS:us-east-1:" + accountB + ":q")
	negatedAny := when("ForAnyValue:StringNotEquals", tags, "x")
	noSetOperator := when("StringEquals", tags, "x")
	wildValue := resource("arn:aws:s3:::b/${aws:username}")
	notANumber := when("NumericLessThan", "s3:max-keys", "10")
	notADate := when("DateLessThan", "aws:CurrentTime", "2026-01-31T00:00:00Z")
	notAnARN := when("ArnLike", source, "arn:aws:s3:::b")
	emptyValue := when("StringLike", prefix, "*")
	binary := when("BinaryEquals", "aws:PrincipalTag/blob", "QmluYXJ5")
	unknownAction := action(unknown)
	const deletedRole, deletedUser = "AROA00000000EXAMPLE00", "AIDA00000000EXAMPLE00"

	return []sentence{
		{
			heading: "Not settled: wildcards in the resource-type part",
			positive: append(hangs(typed, asks("kms:Decrypt"), on(key)), examples{
				{"a role", undetermined, covers(target, "arn:aws:iam::"+accountB+":r*/T")},
				{"?", undetermined, covers(target, "arn:aws:iam::"+accountB+":rol?/T")},
				{"a function", undetermined, covers(function, "arn:aws:lambda:us-east-1:"+accountB+":func*:f")},
				{"a secret", undetermined,
					covers("arn:aws:secretsmanager:us-east-1:"+accountB+":secret:db-AbCdEf",
						"arn:aws:secretsmanager:us-east-1:"+accountB+":*:db-AbCdEf")},
			}...),
			negative: append(stands(typed, asks("kms:Decrypt"), on(key)), examples{
				{"the rest does not match either way", implicit, covers(key, "arn:aws:kms:us-east-1:"+accountB+":k*/other")},
				{"wildcards behind the type", allowed, covers(key, "arn:aws:kms:us-east-1:"+accountB+":key/*")},
				{"a bucket is no type", allowed, covers(object, "arn:aws:s3:::*/k")},
			}...),
		},
		{
			heading: "Not settled: * crossing colons in the middle of an ARN",
			positive: append(hangs(crossing, on(function)), examples{
				{"too few components", undetermined, covers(object, "arn:aws:s3:*b/k")},
				{"in the service", undetermined, covers(queue, "arn:aws:*:q")},
				{"in NotResource", undetermined, granted(notResource("arn:aws:lambda:*:function:f"), on(function))},
				{"in ArnLike", undetermined, asked("ArnLike", source, "arn:aws:sns:*:t", "arn:aws:sns:us-east-1:"+accountB+":t")},
			}...),
			negative: append(stands(crossing, on(function)), examples{
				{"no match even across colons", implicit, covers(function, "arn:aws:lambda:*:function:g")},
				{"at the end colons are the sixth component's", allowed,
					covers("arn:aws:sns:us-east-1:"+accountB+":t:sub", "arn:aws:sns:us-east-1:"+accountB+":t*b")},
				{"a match within the components", allowed, covers(function, "arn:aws:lambda:*:*:function:f")},
			}...),
		},
		{
			heading: "Not settled: letter case in partition, service, region, account or role names",
			positive: append(hangs(otherLetters, on(queue)), examples{
				{"the partition", undetermined, covers(object, "arn:AWS:s3:::b/k")},
				{"the region", undetermined, covers(queue, "arn:aws:sqs:US-EAST-1:"+accountB+":q")},
				{"the service, with *", undetermined, covers(queue, "arn:aws:SQ*:us-east-1:"+accountB+":q")},
				{"a role as the resource", undetermined, covers(target, "arn:aws:iam::"+accountB+":role/t")},
				{"a role as the principal", undetermined,
					cross(resourcePolicy(allow(principal(aws("arn:aws:iam::" + accountA + ":role/r")))))},
				{"the role that asks itself", undetermined,
					cross(as(roleR), resourcePolicy(allow(principal(aws("arn:aws:iam::"+accountA+":role/r")))))},
				{"a user's partition", undetermined,
					cross(as(userU), resourcePolicy(allow(principal(aws("arn:AWS:iam::"+accountA+":user/U")))))},
				{"the account's partition", undetermined, cross(resourcePolicy(allow(principal(aws("arn:AWS:iam::" + accountA + ":root")))))},
				{"a role as the principal of a Deny", undetermined,
					cross(resourcePolicy(allow(), deny(principal(aws("arn:aws:iam::"+accountA+":role/r")))))},
			}...),
			negative: append(stands(otherLetters, on(queue)), examples{
				{"no match in any letters", implicit, covers(queue, "arn:aws:SQS:us-east-1:"+accountB+":p")},
				{"a role beside one in other letters", allowed,
					cross(resourcePolicy(allow(principal(aws("arn:aws:iam::"+accountA+":role/r", roleR)))))},
				{"a user's name is not among them", implicit,
					cross(as(userU), resourcePolicy(allow(principal(aws("arn:aws:iam::"+accountA+":user/u")))))},
				{"another role in other letters", implicit,
					cross(resourcePolicy(allow(principal(aws("arn:aws:iam::" + accountA + ":role/s")))))},
			}...),
		},
		{
			heading: "Not settled: NotPrincipal with Allow",
			positive: examples{
				{"another account", undetermined, cross(resourcePolicy(allow(notPrincipal(accountC))))},
				{"the principal itself", undetermined, cross(resourcePolicy(allow(notPrincipal(rootA, roleR, session))))},
				{"in the same account, no identity policy", undetermined,
					same(noIdentity, resourcePolicy(allow(notPrincipal(accountC))))},
				{"a key", undetermined, decrypts(accountA, resourcePolicy(allow(notPrincipal(accountC))))},
			},
			negative: examples{
				{"another statement allows", allowed, cross(resourcePolicy(allow(notPrincipal(accountC)), allow()))},
				{"another statement denies", explicit, cross(resourcePolicy(allow(notPrincipal(accountC)), deny()))},
				{"the action does not match", implicit,
					cross(resourcePolicy(allow(notPrincipal(accountC), action("s3:PutObject"))))},
				{"the resource does not match", implicit, cross(resourcePolicy(allow(notPrincipal(accountC), resource(bucket))))},
				{"the condition is false", implicit,
					cross(resourcePolicy(allow(notPrincipal(accountC), when("Bool", "aws:SecureTransport", "true"))))},
				{"the other side does not allow", implicit, cross(noIdentity, resourcePolicy(allow(notPrincipal(accountC))))},
				{"in the same account the identity policy is enough", allowed,
					same(resourcePolicy(allow(notPrincipal(accountC))))},
				{"with Deny it is settled", explicit, cross(resourcePolicy(allow(), deny(notPrincipal(accountC))))},
			},
		},
		{
			heading: "Not settled: ForAnyValue with a negated operator over several values",
			positive: append(hangs(negatedAny, givenMany(tags, "x", "y")), examples{
				{"StringNotLike", undetermined,
					granted(when("ForAnyValue:StringNotLike", tags, "x*"), givenMany(tags, "x1", "y"))},
				{"ArnNotEquals", undetermined,
					granted(when("ForAnyValue:ArnNotEquals", source, bucket), givenMany(source, bucket, "arn:aws:s3:::c"))},
			}...),
			negative: append(stands(negatedAny, givenMany(tags, "x", "y")), examples{
				{"one value that passes", allowed, granted(negatedAny, givenMany(tags, "y"))},
				{"one value that fails", implicit, granted(negatedAny, givenMany(tags, "x"))},
				{"ForAllValues is settled", implicit,
					granted(when("ForAllValues:StringNotEquals", tags, "x"), givenMany(tags, "x", "y"))},
				{"a positive operator is settled", allowed,
					granted(when("ForAnyValue:StringEquals", tags, "x"), givenMany(tags, "x", "y"))},
			}...),
		},
		{
			heading: "Not settled: a multivalued key without a set operator",
			positive: append(hangs(noSetOperator, givenMany(tags, "x", "y")), examples{
				{"negated", undetermined, granted(when("StringNotEquals", tags, "x"), givenMany(tags, "x", "y"))},
				{"IfExists", undetermined, granted(when("StringLikeIfExists", tags, "x"), givenMany(tags, "x", "y"))},
				{"another type", undetermined,
					granted(when("NumericEquals", "s3:max-keys", "1"), givenMany("s3:max-keys", "1", "2"))},
			}...),
			negative: append(stands(noSetOperator, givenMany(tags, "x", "y")), examples{
				{"with ForAllValues", implicit, granted(when("ForAllValues:StringEquals", tags, "x"), givenMany(tags, "x", "y"))},
				{"Null needs none", allowed, granted(when("Null", tags, "false"), givenMany(tags, "x", "y"))},
				{"the key is missing", implicit, granted(noSetOperator)},
			}...),
		},
		{
			heading: "Not settled: wildcards inside a variable's value",
			positive: append(hangs(wildValue, given("aws:username", "*")), examples{
				{"?", undetermined, granted(wildValue, given("aws:username", "?"))},
				{"in StringLike", undetermined,
					granted(when("StringLike", prefix, "${aws:username}/x"), given(prefix, "home/x"), given("aws:username", "h*"))},
				{"in ArnLike", undetermined,
					granted(when("ArnLike", source, "arn:aws:s3:::${aws:username}"), given(source, bucket), given("aws:username", "*"))},
				{"in NotResource", undetermined,
					granted(notResource("arn:aws:s3:::b/${aws:username}"), given("aws:username", "*"))},
			}...),
			negative: append(stands(wildValue, given("aws:username", "*")), examples{
				{"no match either way", implicit, granted(wildValue, given("aws:username", "x*"))},
				{"StringEquals has no wildcards: equal", allowed,
					granted(when("StringEquals", prefix, "${aws:username}"), given(prefix, "h*"), given("aws:username", "h*"))},
				{"StringEquals has no wildcards: not equal", implicit,
					granted(when("StringEquals", prefix, "${aws:username}"), given(prefix, "home"), given("aws:username", "h*"))},
				{"wildcards beside the variable", allowed,
					granted(resource("arn:aws:s3:::b/${aws:username}*"), on("arn:aws:s3:::b/U/k"), given("aws:username", "U"))},
			}...),
		},
		{
			heading: "Not settled: malformed numbers",
			positive: append(hangs(notANumber, given("s3:max-keys", "ten")), examples{
				{"negated", undetermined, asked("NumericNotEquals", "s3:max-keys", "10", "ten")},
				{"IfExists", undetermined, asked("NumericEqualsIfExists", "s3:max-keys", "10", "ten")},
				{"ForAllValues", undetermined,
					granted(when("ForAllValues:NumericEquals", "s3:max-keys", "10"), givenMany("s3:max-keys", "10", "ten"))},
				{"in the policy", undetermined, asked("NumericEquals", "s3:max-keys", "ten", "10")},
			}...),
			negative: append(stands(notANumber, given("s3:max-keys", "ten")), examples{
				{"ForAllValues, another value fails", implicit,
					granted(when("ForAllValues:NumericEquals", "s3:max-keys", "10"), givenMany("s3:max-keys", "11", "ten"))},
				{"ForAnyValue, another value passes", allowed,
					granted(when("ForAnyValue:NumericEquals", "s3:max-keys", "10"), givenMany("s3:max-keys", "ten", "10"))},
				{"text is no number", allowed, asked("StringEquals", "s3:max-keys", "ten", "ten")},
			}...),
		},
		{
			heading: "Not settled: malformed dates",
			positive: append(hangs(notADate, given("aws:CurrentTime", "yesterday")), examples{
				{"negated", undetermined, asked("DateNotEquals", "aws:CurrentTime", "2026-01-31T00:00:00Z", "yesterday")},
				{"a day that does not exist", undetermined,
					asked("DateLessThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2025-02-30T00:00:00Z")},
				{"in the policy it is refused", malformed,
					asked("DateLessThan", "aws:CurrentTime", "tomorrow", "2026-01-31T00:00:00Z")},
			}...),
			negative: append(stands(notADate, given("aws:CurrentTime", "yesterday")), examples{
				{"a date", allowed, asked("DateLessThan", "aws:CurrentTime", "2026-01-31T00:00:00Z", "2026-01-30T00:00:00Z")},
			}...),
		},
		{
			heading: "Not settled: malformed ARNs",
			positive: append(hangs(notAnARN, given(source, "b")), examples{
				{"negated", undetermined, asked("ArnNotLike", source, bucket, "b")},
				{"a name as the resource policy's Resource", undetermined, cross(resourcePolicy(allow(resource("b/k"))))},
				{"in an identity policy", undetermined, cross(identity(allow(resource("b/k"))))},
				{"in a condition", undetermined, asked("ArnEquals", source, "b", bucket)},
			}...),
			negative: append(stands(notAnARN, given(source, "b")), examples{
				{"StringEquals takes any text", allowed, asked("StringEquals", source, "b", "b")},
				{"an ARN", implicit, asked("ArnLike", source, bucket, "arn:aws:s3:::c")},
			}...),
		},
		{
			heading: "Not settled: empty values",
			positive: append(hangs(emptyValue, given(prefix, "")), examples{
				{"equal", undetermined, asked("StringEquals", prefix, "", "")},
				{"Null", undetermined, granted(when("Null", prefix, "true"), given(prefix, ""))},
				{"IfExists", undetermined, asked("StringEqualsIfExists", prefix, "a", "")},
				{"negated, equal", undetermined, asked("StringNotEquals", prefix, "", "")},
				{"one of several, which may be none", undetermined,
					granted(when("ForAllValues:StringEquals", tags, "x"), givenMany(tags, "x", ""))},
				{"the only one of several", undetermined, granted(when("ForAnyValue:StringLike", tags, "*"), givenMany(tags, ""))},
				{"in a variable", undetermined, granted(resource("arn:aws:s3:::b/${aws:username}k"), given("aws:username", ""))},
			}...),
			negative: append(stands(emptyValue, given(prefix, "")), examples{
				{"another key is empty", allowed, cross(given(prefix, ""))},
				{"one of several, where another decides", allowed,
					granted(when("ForAnyValue:StringEquals", tags, "x"), givenMany(tags, "", "x"))},
				{"an empty list is settled", implicit, granted(when("ForAnyValue:StringLike", tags, "*"), givenMany(tags))},
			}...),
		},
		{
			heading: "Not settled: BinaryEquals",
			positive: append(hangs(binary, given("aws:PrincipalTag/blob", "QmluYXJ5")), examples{
				{"not equal", undetermined, granted(binary, given("aws:PrincipalTag/blob", "Qg=="))},
			}...),
			negative: append(stands(binary, given("aws:PrincipalTag/blob", "QmluYXJ5")), examples{
				{"StringEquals is settled", allowed,
					granted(when("StringEquals", "aws:PrincipalTag/blob", "QmluYXJ5"), given("aws:PrincipalTag/blob", "QmluYXJ5"))},
			}...),
		},
		{
			heading: "Not settled: unique-id principals",
			positive: examples{
				{"a deleted role", undetermined, cross(resourcePolicy(allow(principal(aws(deletedRole)))))},
				{"a deleted user", undetermined, cross(as(userU), resourcePolicy(allow(principal(aws(deletedUser)))))},
				{"in a Deny", undetermined, cross(resourcePolicy(allow(), deny(principal(aws(deletedRole)))))},
				{"in an array", undetermined, cross(resourcePolicy(allow(principal(aws(accountC, deletedRole)))))},
				{"in the same account, no identity policy", undetermined,
					same(noIdentity, resourcePolicy(allow(principal(aws(deletedRole)))))},
				{"a trust policy", undetermined,
					assumes(accountB, resourcePolicy(allow(action("sts:AssumeRole"), principal(aws(deletedRole)), without("Resource"))))},
			},
			negative: examples{
				{"beside the role", allowed, cross(resourcePolicy(allow(principal(aws(deletedRole, roleR)))))},
				{"another statement denies", explicit, cross(resourcePolicy(allow(principal(aws(deletedRole))), deny()))},
				{"the action does not match", implicit,
					cross(resourcePolicy(allow(principal(aws(deletedRole)), action("s3:PutObject"))))},
				{"the resource does not match", implicit,
					cross(resourcePolicy(allow(principal(aws(deletedRole)), resource(bucket))))},
				{"the other side does not allow", implicit, cross(noIdentity, resourcePolicy(allow(principal(aws(deletedRole)))))},
				{"in the same account the identity policy is enough", allowed,
					same(resourcePolicy(allow(principal(aws(deletedRole)))))},
				{"a session has no user's id", implicit, cross(resourcePolicy(allow(principal(aws(deletedUser)))))},
				{"a service has no such id", implicit, cross(as(service), resourcePolicy(allow(principal(aws(deletedRole)))))},
			},
		},
		{
			heading: "Not settled: a value that is not known yet",
			positive: append(hangs(unknownAction), examples{
				{"the identity policy", undetermined, cross(identityDocument(unknown))},
				{"the resource policy", undetermined, cross(resourceDocument(unknown))},
				{"the session policy", undetermined, cross(func(c *policy.Case) { c.SessionPolicy = text(unknown) })},
				{"the boundary", undetermined,
					cross(func(c *policy.Case) { c.PermissionBoundaries = []policy.NamedPolicy{named("b", unknown)} })},
				{"an SCP", undetermined, cross(func(c *policy.Case) {
					c.SCPs = []policy.Level{{OrgIdentifier: "r",
						Policies: []policy.NamedPolicy{named("known", document(allow())), named("s", unknown)}}}
				})},
				{"an RCP", undetermined, cross(func(c *policy.Case) {
					c.RCPs = []policy.Level{{OrgIdentifier: "r", Policies: []policy.NamedPolicy{named("r", unknown)}}}
				})},
				{"a document beside one that allows may deny", undetermined, cross(func(c *policy.Case) {
					c.IdentityPolicies = append(c.IdentityPolicies, named("second", unknown))
				})},
				{"the boundary may deny even what it does not limit", undetermined,
					same(resourcePolicy(allow(principal(aws(session)))),
						func(c *policy.Case) { c.PermissionBoundaries = []policy.NamedPolicy{named("b", unknown)} })},
				{"the Statement", undetermined,
					cross(identityDocument(map[string]any{"Version": "2012-10-17", "Statement": unknown}))},
				{"the Effect", undetermined, cross(identity(allow(), allow(element("Effect", unknown))))},
				{"a Principal", undetermined, cross(resourcePolicy(allow(principal(unknown))))},
				{"a Principal's ARN", undetermined, cross(resourcePolicy(allow(principal(aws(unknown)))))},
				{"a NotPrincipal's ARN", undetermined, cross(resourcePolicy(allow(), deny(notPrincipal(rootA, roleR, unknown))))},
				{"a Resource", undetermined, granted(resource(unknown))},
				{"a Resource of which a part is known", undetermined, granted(resource("arn:aws:s3:::" + unknown + "/*"))},
				{"a NotResource", undetermined, granted(notResource(unknown))},
				{"a NotAction", undetermined, granted(notAction(unknown))},
				{"a condition's value", undetermined, asked("StringEquals", prefix, unknown, "a")},
				{"a condition's value, negated", undetermined, asked("StringNotEquals", prefix, unknown, "a")},
				{"a condition's number", undetermined, asked("NumericEquals", "s3:max-keys", unknown, "1")},
				{"Null, as the request's value may be empty", undetermined,
					granted(when("Null", prefix, "false"), given(prefix, unknown))},
				{"a Null's value", undetermined, granted(when("Null", prefix, unknown))},
				{"a condition as a whole", undetermined, granted(element("Condition", unknown))},
				{"a request's value", undetermined, asked("StringEquals", prefix, "a", unknown)},
				{"one of a request's values", undetermined,
					granted(when("ForAllValues:StringEquals", tags, "a"), givenMany(tags, "a", unknown))},
				{"a variable's value", undetermined, granted(wildValue, given("aws:username", unknown))},
				{"the request's resource", undetermined, granted(resource(object), on(unknown))},
				{"the request's principal", undetermined, cross(as(unknown))},
				{"the request's action", undetermined, cross(asks(unknown))},
				{"the request's resource, which may be a role", undetermined, assumes(accountB, on(unknown))},
				{"the resource's account, where it matters", undetermined, cross(in(unknown), noResourcePolicy)},
			}...),
			negative: append(stands(unknownAction), examples{
				{"a Deny in another document", explicit, cross(identityDocument(unknown), resourcePolicy(allow(), deny()))},
				{"a document that can only deny what is denied", explicit, cross(identity(deny()), resourceDocument(unknown))},
				{"an SCP of a service principal", allowed, cross(as(service), resourcePolicy(allow(principal(services(service)))),
					func(c *policy.Case) {
						c.SCPs = []policy.Level{{OrgIdentifier: "r", Policies: []policy.NamedPolicy{named("s", unknown)}}}
					})},
				{"one of several actions", allowed, granted(action(unknown, "s3:GetObject"))},
				{"one of several resources", allowed, granted(resource("arn:aws:s3:::b/*", unknown))},
				{"one of several principals", allowed, cross(resourcePolicy(allow(principal(aws(unknown, roleR)))))},
				{"one of several values", allowed, granted(when("StringEquals", prefix, unknown, "a"), given(prefix, "a"))},
				{"one of several values, negated", implicit,
					granted(when("StringNotEquals", prefix, unknown, "a"), given(prefix, "a"))},
				{"a missing key", implicit, granted(when("StringEquals", prefix, unknown))},
				{"one of a request's values, another passes", allowed,
					granted(when("ForAnyValue:StringEquals", tags, "a"), givenMany(tags, unknown, "a"))},
				{"one of a request's values, another fails", implicit,
					granted(when("ForAllValues:StringEquals", tags, "a"), givenMany(tags, unknown, "b"))},
				{"a value that looks like it at first", allowed, asked("StringEquals", "aws:SourceVpce", "vpce-4711", "vpce-4711")},
				{"a request's value nothing asks for", allowed, cross(given(prefix, unknown))},
				{"a Sid", allowed, cross(identity(allow(element("Sid", unknown))))},
				{"an NotAction beside the action itself", implicit, granted(notAction(unknown, "s3:GetObject"))},
				{"who I am may always be asked", allowed,
					cross(asks("sts:GetCallerIdentity"), on("*"), in(accountA), identityDocument(unknown))},
			}...),
		},
		{
			heading: "Not settled: a document that AWS would refuse",
			positive: examples{
				{"an element in other letters", malformed, cross(identity(allow(element("condition", map[string]any{}))))},
				{"an element that does not exist", malformed, cross(identity(allow(element("Conditions", map[string]any{}))))},
				{"an Effect that does not exist", malformed, cross(identity(allow(element("Effect", "allow"))))},
				{"no Effect", malformed, cross(identity(allow(without("Effect"))))},
				{"no Action", malformed, cross(identity(allow(without("Action"))))},
				{"Action and NotAction", malformed, cross(identity(allow(element("NotAction", "iam:*"))))},
				{"an Action that is none", malformed, cross(identity(allow(), allow(action("GetObject"))))},
				{"no Resource", malformed, cross(identity(allow(without("Resource"))))},
				{"Resource and NotResource", malformed, cross(identity(allow(element("NotResource", "arn:aws:s3:::c"))))},
				{"a Principal in an identity policy", malformed, cross(identity(allow(principal("*"))))},
				{"Principal and NotPrincipal", malformed, cross(resourcePolicy(allow(principal("*"), element("NotPrincipal", aws(accountC)))))},
				{"an element of the document in other letters", malformed, cross(identityDocument(
					map[string]any{"Version": "2012-10-17", "Statement": allow(), "statement": deny()}))},
				{"no Principal in a resource policy", malformed, cross(resourceDocument(document(allow())))},
				{"a Principal that is none", malformed, cross(resourcePolicy(allow(principal(roleR))))},
				{"a kind of Principal that does not exist", malformed, cross(resourcePolicy(allow(principal(map[string]any{"Role": roleR, "AWS": roleR}))))},
				{"a Version that does not exist", malformed, cross(identityDocument(versioned("2026-01-31", allow())))},
				{"a Statement that is a text", malformed, cross(identityDocument(map[string]any{"Statement": "Allow"}))},
				{"no Statement", malformed, cross(identityDocument(map[string]any{"Version": "2012-10-17"}))},
				{"a policy that is a text", malformed, cross(identityDocument("{}"))},
				{"an operator that does not exist", malformed, cross(identity(allow(), allow(when("StringMatches", prefix, "a"))))},
				{"an operator in other letters", malformed, cross(identity(allow(), deny(when("bool", "aws:SecureTransport", "false"))))},
				{"a range that is none", malformed, cross(identity(allow(), deny(when("IpAddress", "aws:SourceIp", "203.0.113.0/33"))))},
				{"a date that is none", malformed, cross(identity(allow(), deny(when("DateLessThan", "aws:CurrentTime", "yesterday"))))},
				{"in the boundary", malformed, cross(boundary(allow(element("condition", map[string]any{}))))},
				{"in the session policy", malformed, cross(sessionPolicy(allow(element("condition", map[string]any{}))))},
				{"in an SCP", malformed, cross(scps(level(allow(element("condition", map[string]any{})))))},
				{"in an RCP", malformed, cross(rcps(level(deny(element("condition", map[string]any{}), action("iam:*")))))},
			},
			negative: examples{
				{"every element in its place", allowed, cross(
					identity(allow(element("Sid", "Read"), action("s3:GetObject"), resource(object), when("Bool", "aws:SecureTransport", "true"))),
					given("aws:SecureTransport", "true"))},
				{"a single statement that is no array", allowed, cross(identityDocument(map[string]any{"Version": "2012-10-17", "Id": "x", "Statement": allow()}))},
				{"a trust policy without Resource", allowed, assumes(accountB)},
			},
		},
		{
			heading: "Not settled: several permissions boundaries that disagree",
			positive: examples{
				{"one of two allows", undetermined, same(boundaries(level(allow()), level(allow(action("sqs:*")))))},
				{"the other of two allows", undetermined, same(boundaries(level(allow(action("sqs:*"))), level(allow())))},
				{"across accounts", undetermined, cross(boundaries(level(allow()), level(allow(action("sqs:*")))))},
				{"the role is named", undetermined,
					same(noIdentity, resourcePolicy(allow()), boundaries(level(allow()), level(allow(action("sqs:*")))))},
			},
			negative: examples{
				{"both allow", allowed, same(boundaries(level(allow()), level(allow(action("s3:*")))))},
				{"none allows", implicit, same(boundaries(level(allow(action("sns:*"))), level(allow(action("sqs:*")))))},
				{"one denies", explicit, same(boundaries(level(allow()), level(allow(), deny())))},
				{"the session is named, so they do not limit it", allowed,
					same(resourcePolicy(allow(principal(aws(session)))), boundaries(level(allow()), level(allow(action("sqs:*")))))},
				{"no identity policy allows", implicit,
					same(noIdentity, boundaries(level(allow()), level(allow(action("sqs:*")))))},
			},
		},
	}
}
