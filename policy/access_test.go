package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	accessSession = "arn:aws:sts::123456789012:assumed-role/R/f"
	accessObject  = "arn:aws:s3:::b/k"
)

// inStack is a resource of a made-up stack: its type without the package, its name, its inputs, and what these come from.
type inStack struct {
	kind, name string
	inputs     map[string]any
	from       map[string][]string
}

var accessTypes = map[string]string{
	"Role": "aws:iam/role:Role", "RolePolicy": "aws:iam/rolePolicy:RolePolicy", "Policy": "aws:iam/policy:Policy",
	"RolePolicyAttachment": "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "PolicyAttachment": "aws:iam/policyAttachment:PolicyAttachment",
	"Bucket": "aws:s3/bucketV2:BucketV2", "BucketPolicy": "aws:s3/bucketPolicy:BucketPolicy",
	"Block":      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
	"Encryption": "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
	"Key":        "aws:kms/key:Key", "KeyPolicy": "aws:kms/keyPolicy:KeyPolicy", "Alias": "aws:kms/alias:Alias",
	"Function": "aws:lambda/function:Function", "Endpoint": "aws:ec2/vpcEndpoint:VpcEndpoint", "Queue": "aws:sqs/queue:Queue",
}

func accessURN(stack, kind, name string) string {
	return "urn:pulumi:" + stack + "::p::" + accessTypes[kind] + "::" + name
}

// accessFile is the preview of a stack of an account.
func accessFile(t *testing.T, stack, account string, resources []inStack) File {
	t.Helper()
	steps := []any{}
	for _, r := range resources {
		from := map[string][]string{}
		for input, sources := range r.from {
			for _, source := range sources {
				kind, name, _ := strings.Cut(source, " ")
				from[input] = append(from[input], accessURN(stack, kind, name))
			}
		}
		steps = append(steps, map[string]any{"op": "create", "newState": map[string]any{
			"urn": accessURN(stack, r.kind, r.name), "type": accessTypes[r.kind], "inputs": r.inputs, "propertyDependencies": from,
		}})
	}
	text, err := json.Marshal(map[string]any{
		"config": map[string]string{"aws:allowedAccountIds": `["` + account + `"]`, "aws:region": "eu-west-1"}, "steps": steps,
	})
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadStack(stack, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return read.File
}

// grants is a policy with one statement that allows.
func grants(action, resource, more string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q%s}]}`, action, resource, more)
}

func to(principal string) string { return fmt.Sprintf(`,"Principal":{"AWS":%q}`, principal) }

// halves are the two stacks in which everything fits, with resources besides; one of the same kind and name replaces its like.
type halves struct{ a, b []inStack }

func (h halves) files(t *testing.T) []File {
	t.Helper()
	merge := func(base, more []inStack) []inStack {
		merged := slices.Clone(more)
		for _, resource := range base {
			if !slices.ContainsFunc(more, func(r inStack) bool { return r.kind == resource.kind && r.name == resource.name }) {
				merged = append(merged, resource)
			}
		}
		// What is there without inputs has been taken away.
		return slices.DeleteFunc(merged, func(r inStack) bool { return r.inputs == nil })
	}
	a := []inStack{
		{kind: "Role", name: "role", inputs: map[string]any{"name": "R"}},
		{kind: "RolePolicy", name: "access", inputs: map[string]any{"role": "R", "policy": grants("s3:*Object", accessObject, "")}},
	}
	b := []inStack{
		{kind: "Bucket", name: "bucket", inputs: map[string]any{"bucket": "b"}},
		{kind: "BucketPolicy", name: "bucket", inputs: map[string]any{
			"bucket": "b", "policy": grants("s3:*Object", accessObject, to("arn:aws:iam::123456789012:role/R"))}},
	}
	return []File{accessFile(t, "a", "123456789012", merge(a, h.a)), accessFile(t, "b", "987654321098", merge(b, h.b))}
}

// The ARN of a role that was deleted and made again is the same, and a bucket policy that was stored before does not mean it any more.
func TestAccessOfARoleMadeAgain(t *testing.T) {
	rules, err := NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		then, now string
		with      []string // named beside the role
		want      Decision
	}{
		"the same role":            {"AROAONE", "AROAONE", nil, Allowed},
		"another of the same name": {"AROAONE", "AROATWO", nil, Undetermined},
		"not made yet":             {"AROAONE", unknownString, nil, Allowed},
		"another trigger":          {"2026-11-23", "AROATWO", nil, Allowed},
		"one of several":           {"AROAONE", "AROATWO", []string{"arn:aws:iam::111122223333:role/C"}, Allowed},
	} {
		t.Run(name, func(t *testing.T) {
			principals, err := json.Marshal(append([]string{"arn:aws:iam::123456789012:role/R"}, test.with...))
			if err != nil {
				t.Fatal(err)
			}
			files := halves{b: []inStack{{kind: "BucketPolicy", name: "bucket", inputs: map[string]any{
				"bucket": "b", "policy": grants("s3:*Object", accessObject, `,"Principal":{"AWS":`+string(principals)+`}`)}}}}.files(t)
			for i, change := range [][2]string{
				{`"inputs":{"name":"R"}`, `"inputs":{"name":"R"},"outputs":{"uniqueId":"` + test.now + `"}`},
				{`"inputs":{"bucket":"b","policy"`, `"replacementTrigger":"` + test.then + `","inputs":{"bucket":"b","policy"`},
			} {
				changed := strings.Replace(string(files[i].Contents), change[0], change[1], 1)
				if changed == string(files[i].Contents) {
					t.Fatalf("%s is not in %s", change[0], changed)
				}
				read, err := ReadStack("", strings.NewReader(changed))
				if err != nil {
					t.Fatal(err)
				}
				files[i] = read.File
			}
			access, err := rules.Access(t.Context(), files...)
			if err != nil {
				t.Fatal(err)
			}
			questions, _, notes, err := access.Questions(t.Context(), Case{Request: Request{
				Principal: accessSession, Action: "s3:GetObject", Resource: Resource{ARN: accessObject}}})
			if err != nil {
				t.Fatal(err)
			}
			result, err := questions[0].Decide(t.Context(), engine)
			if told := strings.Contains(strings.Join(notes, "\n"), "made again"); err != nil || result.Decision != test.want || told != (test.want != Allowed) {
				t.Errorf("%s, want %s, %v; notes %q", result.Decision, test.want, err, notes)
			}
		})
	}
}

func TestAccess(t *testing.T) {
	const unknown = unknownString
	role := func(inputs map[string]any, from map[string][]string) inStack {
		inputs["name"] = "R"
		return inStack{"Role", "role", inputs, from}
	}
	noAccess := inStack{kind: "RolePolicy", name: "access"}
	managed := inStack{kind: "Policy", name: "managed", inputs: map[string]any{"name": "M", "policy": grants("s3:GetObject", "*", "")}}
	attached := func(arn string, from ...string) inStack {
		return inStack{"RolePolicyAttachment", "attached", map[string]any{"role": "R", "policyArn": arn}, map[string][]string{"policyArn": from}}
	}
	bucketPolicy := func(policy string) inStack {
		return inStack{kind: "BucketPolicy", name: "bucket", inputs: map[string]any{"bucket": "b", "policy": policy}}
	}
	block := inStack{kind: "Block", name: "bucket", inputs: map[string]any{"bucket": "b", "restrictPublicBuckets": true, "blockPublicPolicy": true}}
	encrypted := func(rule map[string]any, from ...string) inStack {
		return inStack{"Encryption", "bucket", map[string]any{"bucket": "b", "rules": []any{map[string]any{
			"bucketKeyEnabled": true, "applyServerSideEncryptionByDefault": rule,
		}}}, map[string][]string{"rules": from}}
	}
	byKey := map[string]any{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": unknown}
	keyFor := func(condition string) inStack {
		policy := grants("kms:*", "*", to("arn:aws:iam::123456789012:role/R")+condition)
		return inStack{kind: "Key", name: "key", inputs: map[string]any{"policy": policy}}
	}
	usesKeys := inStack{kind: "RolePolicy", name: "keys", inputs: map[string]any{
		"role": "R", "policy": grants("kms:Decrypt", "arn:aws:kms:eu-west-1:987654321098:key/*", "")}}
	inVPC := inStack{"Function", "function", map[string]any{"name": "f", "role": unknown, "vpcConfig": map[string]any{"subnetIds": []string{"s"}}},
		map[string][]string{"role": {"Role role"}}}
	endpoint := func(policy string) inStack {
		return inStack{kind: "Endpoint", name: "s3", inputs: map[string]any{"serviceName": "com.amazonaws.eu-west-1.s3", "policy": policy}}
	}

	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rules, err := NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		stacks  halves
		request Request // what it leaves out is the role's session that reads the object
		asked   Case    // with policies of its own
		want    Decision
		about   string // the question that decides; empty for the request itself
		note    string // a part of a note; empty where there may be none but that about organizations
	}{
		"both halves":                       {want: Allowed},
		"the role by its ARN":               {request: Request{Principal: "arn:aws:iam::123456789012:role/R"}, want: Allowed},
		"another key":                       {request: Request{Resource: Resource{ARN: "arn:aws:s3:::b/x"}}, want: ImplicitlyDenied},
		"no identity policy":                {stacks: halves{a: []inStack{noAccess}}, want: ImplicitlyDenied},
		"no bucket policy":                  {stacks: halves{b: []inStack{{kind: "BucketPolicy", name: "bucket"}}}, want: ImplicitlyDenied},
		"a bucket policy that is not known": {stacks: halves{b: []inStack{bucketPolicy(unknown)}}, want: Undetermined},
		"an identity policy that is a secret": {
			stacks: halves{a: []inStack{{kind: "RolePolicy", name: "access", inputs: map[string]any{"role": "R", "policy": "[secret]"}}}}, want: Undetermined},
		"a policy of a role that is not known yet": {stacks: halves{a: []inStack{{"RolePolicy", "access",
			map[string]any{"role": unknown, "policy": grants("s3:GetObject", "*", "")}, map[string][]string{"role": {"Role role"}}}}}, want: Allowed},
		"a policy of another role": {stacks: halves{a: []inStack{{kind: "RolePolicy", name: "access",
			inputs: map[string]any{"role": "S", "policy": grants("s3:GetObject", "*", "")}}}}, want: ImplicitlyDenied},
		"an inline policy of the role": {stacks: halves{a: []inStack{noAccess,
			role(map[string]any{"inlinePolicies": []any{map[string]any{"name": "i", "policy": grants("s3:GetObject", "*", "")}}}, nil)}}, want: Allowed},

		"a managed policy":                      {stacks: halves{a: []inStack{noAccess, managed, attached("arn:aws:iam::123456789012:policy/M")}}, want: Allowed},
		"a managed policy that is not made yet": {stacks: halves{a: []inStack{noAccess, managed, attached(unknown, "Policy managed")}}, want: Allowed},
		"a managed policy of another role": {stacks: halves{a: []inStack{noAccess, managed, {kind: "RolePolicyAttachment", name: "attached",
			inputs: map[string]any{"role": "S", "policyArn": "arn:aws:iam::123456789012:policy/M"}}}}, want: ImplicitlyDenied},
		"a managed policy of several roles": {stacks: halves{a: []inStack{noAccess, managed, {kind: "PolicyAttachment", name: "attached",
			inputs: map[string]any{"roles": []string{"S", "R"}, "policyArn": "arn:aws:iam::123456789012:policy/M"}}}}, want: Allowed},
		"a managed policy among the role's own": {stacks: halves{a: []inStack{noAccess, managed,
			role(map[string]any{"managedPolicyArns": []string{"arn:aws:iam::123456789012:policy/M"}}, nil)}}, want: Allowed},
		"an unknown managed policy": {stacks: halves{a: []inStack{attached(unknown)}}, want: Undetermined, note: "whose ARN is not known yet"},
		"a managed policy of AWS": {stacks: halves{a: []inStack{attached("arn:aws:iam::aws:policy/Logs")}}, want: Undetermined,
			note: "--identity arn:aws:iam::aws:policy/Logs=FILE gives it"},
		"a managed policy of AWS that is given": {stacks: halves{a: []inStack{attached("arn:aws:iam::aws:policy/Logs")}}, want: Allowed, asked: Case{
			IdentityPolicies: []NamedPolicy{{Name: "arn:aws:iam::aws:policy/Logs", Policy: json.RawMessage(grants("logs:*", "*", ""))}}}},
		"a policy that is given by an ARN and not attached": {stacks: halves{a: []inStack{noAccess}}, want: ImplicitlyDenied, asked: Case{
			IdentityPolicies: []NamedPolicy{{Name: "arn:aws:iam::aws:policy/Logs", Policy: json.RawMessage(grants("*", "*", ""))}}}},
		"a policy that is given besides": {stacks: halves{a: []inStack{noAccess}}, want: Allowed, asked: Case{
			IdentityPolicies: []NamedPolicy{{Name: "p.json", Policy: json.RawMessage(grants("*", "*", ""))}}}},

		"a boundary that limits": {stacks: halves{a: []inStack{
			role(map[string]any{"permissionsBoundary": "arn:aws:iam::123456789012:policy/limits/M"}, nil),
			{kind: "Policy", name: "managed", inputs: map[string]any{"name": "M", "path": "/limits/", "policy": grants("s3:ListBucket", "*", "")}},
		}}, want: ImplicitlyDenied},
		"a boundary that is not made yet": {stacks: halves{a: []inStack{managed,
			role(map[string]any{"permissionsBoundary": unknown}, map[string][]string{"permissionsBoundary": {"Policy managed"}})}}, want: Allowed},
		"a boundary that is not there": {stacks: halves{a: []inStack{role(map[string]any{"permissionsBoundary": "arn:aws:iam::123456789012:policy/B"}, nil)}},
			want: Undetermined, note: "arn:aws:iam::123456789012:policy/B is attached"},

		"a role that is not there": {request: Request{Principal: "arn:aws:sts::123456789012:assumed-role/S/f"}, want: ImplicitlyDenied,
			note: "no role S in account 123456789012 (they have: arn:aws:iam::123456789012:role/R)"},
		"a role of the same name in another account": {request: Request{Principal: "arn:aws:sts::111122223333:assumed-role/R/f"}, want: ImplicitlyDenied,
			note: "no role R in account 111122223333"},
		"a role that is not there and is let in": {request: Request{Principal: "arn:aws:sts::123456789012:assumed-role/S/f"}, want: Undetermined,
			stacks: halves{b: []inStack{bucketPolicy(grants("s3:GetObject", accessObject, to("123456789012")))}}, note: "no role S"},
		"a user": {request: Request{Principal: "arn:aws:iam::987654321098:user/U"}, want: Undetermined, note: "do not have the policies of arn:aws:iam::987654321098:user/U"},
		"nobody": {request: Request{Principal: "anonymous"}, want: ImplicitlyDenied},
		"a path that the bucket policy leaves out": {stacks: halves{a: []inStack{role(map[string]any{"path": "/x/"}, nil)}}, want: ImplicitlyDenied,
			about: "the role by its whole name, arn:aws:iam::123456789012:role/x/R"},
		"a path that the bucket policy has": {stacks: halves{a: []inStack{role(map[string]any{"path": "/x/"}, nil)},
			b: []inStack{bucketPolicy(grants("s3:GetObject", accessObject, to("arn:aws:iam::123456789012:role/x/R")))}}, want: Allowed},
		"a path, and a condition on the role's ARN": {stacks: halves{a: []inStack{role(map[string]any{"path": "/x/"}, nil)}, b: []inStack{bucketPolicy(
			grants("s3:GetObject", accessObject, to("*")+`,"Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/x/R"}}`))}}, want: Allowed},
		"a path, and the session itself is let in": {stacks: halves{a: []inStack{role(map[string]any{"path": "/x/"}, nil)}, b: []inStack{bucketPolicy(
			grants("s3:GetObject", accessObject, to(accessSession)))}}, want: Allowed},

		"a bucket that is not there": {request: Request{Resource: Resource{ARN: "arn:aws:s3:::c/k", AccountID: "987654321098"}}, want: ImplicitlyDenied,
			note: "no bucket c (they have: b): what its policy allows is not known"},
		"a bucket policy that is given": {stacks: halves{b: []inStack{bucketPolicy(unknown)}}, want: Allowed, asked: Case{
			ResourcePolicy: json.RawMessage(grants("s3:GetObject", accessObject, to("123456789012")))}},
		"the role's trust policy": {stacks: halves{a: []inStack{role(map[string]any{"assumeRolePolicy": `{"Version":"2012-10-17","Statement":
			{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`}, nil)}}, want: Allowed,
			request: Request{Principal: "lambda.amazonaws.com", Action: "sts:AssumeRole", Resource: Resource{ARN: "arn:aws:iam::123456789012:role/R"}}},
		"a role that is not there to be assumed": {want: Undetermined, note: "no role arn:aws:iam::123456789012:role/S (they have: arn:aws:iam::123456789012:role/R)",
			request: Request{Principal: "lambda.amazonaws.com", Action: "sts:AssumeRole", Resource: Resource{ARN: "arn:aws:iam::123456789012:role/S"}}},

		"a public policy": {stacks: halves{b: []inStack{bucketPolicy(grants("s3:GetObject", accessObject, to("*")))}}, want: Allowed},
		"a public policy that is restricted": {stacks: halves{b: []inStack{block, bucketPolicy(grants("s3:GetObject", accessObject, to("*")))}},
			want: ExplicitlyDenied, note: "refuses to store it"},
		"a public policy, and the owner's account": {stacks: halves{b: []inStack{block, bucketPolicy(grants("s3:GetObject", accessObject, to("*")))}},
			request: Request{Principal: "arn:aws:iam::987654321098:user/U"}, want: Allowed,
			asked: Case{IdentityPolicies: []NamedPolicy{{Name: "p", Policy: json.RawMessage(grants("*", "*", ""))}}}, note: "RestrictPublicBuckets"},
		"a policy that may be public": {want: Undetermined, note: "S3 does not say", request: Request{Context: map[string]any{"aws:PrincipalOrgID": "o-1"}},
			stacks: halves{b: []inStack{block, bucketPolicy(grants("s3:GetObject", accessObject, to("*")+`,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`))}}},
		"no public policy": {stacks: halves{b: []inStack{block}}, want: Allowed},

		"a key that leaves the role out": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey, "Key key"),
			{kind: "Key", name: "key", inputs: map[string]any{}}}}, want: ImplicitlyDenied, about: "kms:Decrypt on the key", note: "key stands for its id"},
		"a key that lets the role in":     {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey, "Key key"), keyFor("")}}, want: Allowed, note: "key stands"},
		"a key that the role may not use": {stacks: halves{b: []inStack{encrypted(byKey, "Key key"), keyFor("")}}, want: ImplicitlyDenied, about: "kms:Decrypt", note: "key stands"},
		"a key by way of S3": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey, "Key key"), keyFor(`,"Condition":{"StringEquals":{
			"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:CallerAccount":"123456789012","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b"}}`)}}, want: Allowed, note: "key stands"},
		"a key in another region": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey, "Key key"),
			keyFor(`,"Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}`)}}, want: ImplicitlyDenied, about: "kms:Decrypt", note: "key stands"},
		"a key by its alias": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(map[string]any{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/k"}),
			{"Alias", "alias", map[string]any{"name": "alias/k", "targetKeyId": unknown}, map[string][]string{"targetKeyId": {"Key key"}}},
			keyFor(`,"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/k"}}`)}}, want: Allowed, note: "key stands"},
		"a key with a policy beside it": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey), {kind: "Key", name: "key", inputs: map[string]any{}},
			{"KeyPolicy", "policy", map[string]any{"keyId": unknown, "policy": keyFor("").inputs["policy"]}, map[string][]string{"keyId": {"Key key"}}}}}, want: Allowed, note: "key stands"},
		"a key with a policy that may be its own": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey), {kind: "Key", name: "key", inputs: map[string]any{}},
			{kind: "KeyPolicy", name: "policy", inputs: map[string]any{"keyId": unknown, "policy": keyFor("").inputs["policy"]}}}}, want: Undetermined, about: "kms:Decrypt", note: "key stands"},
		"a key that is not there": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(map[string]any{"sseAlgorithm": "aws:kms",
			"kmsMasterKeyId": "arn:aws:kms:eu-west-1:987654321098:key/1"})}}, want: Undetermined, about: "kms:Decrypt", note: "key/1, is not in these files"},
		"a key of which nothing is known": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(byKey)}}, want: Undetermined, about: "kms:Decrypt",
			note: "whose id is not known yet, is not in these files"},
		"the key of AWS": {stacks: halves{a: []inStack{usesKeys}, b: []inStack{encrypted(map[string]any{"sseAlgorithm": "aws:kms"})}}, want: ImplicitlyDenied,
			about: "kms:Decrypt", note: "aws/s3"},
		"a key, and an action that needs none": {stacks: halves{b: []inStack{encrypted(byKey)}}, request: Request{Action: "s3:DeleteObject"}, want: Allowed},
		"encryption by S3 itself":              {stacks: halves{b: []inStack{encrypted(map[string]any{"sseAlgorithm": "AES256"})}}, want: Allowed},
		"encryption that is not known": {stacks: halves{b: []inStack{{kind: "Encryption", name: "bucket", inputs: map[string]any{"bucket": "b", "rules": unknown}}}},
			want: Allowed, note: "a key may have a say"},

		"an endpoint that refuses":           {stacks: halves{a: []inStack{inVPC, endpoint(grants("s3:*", "arn:aws:s3:::other/*", to("*")))}}, want: ImplicitlyDenied, about: "the endpoint s3"},
		"an endpoint that lets it through":   {stacks: halves{a: []inStack{inVPC, endpoint(grants("s3:*", accessObject, to("*")))}}, want: Allowed},
		"an endpoint without a policy":       {stacks: halves{a: []inStack{inVPC, endpoint("")}}, want: Allowed},
		"an endpoint that is not in the way": {stacks: halves{a: []inStack{endpoint(grants("s3:*", "arn:aws:s3:::other/*", to("*")))}}, want: Allowed},
		"an endpoint that the request comes through": {stacks: halves{a: []inStack{endpoint(grants("s3:*", "arn:aws:s3:::other/*", to("*")))}}, want: ImplicitlyDenied,
			about: "the endpoint s3", request: Request{Context: map[string]any{"aws:sourcevpce": "vpce-1"}}},
		"a VPC without an endpoint": {stacks: halves{a: []inStack{inVPC}}, want: Allowed, note: "The function f runs in a VPC"},
	} {
		t.Run(name, func(t *testing.T) {
			access, err := rules.Access(t.Context(), test.stacks.files(t)...)
			if err != nil {
				t.Fatal(err)
			}
			asked := test.asked
			asked.Request = test.request
			if asked.Request.Principal == "" {
				asked.Request.Principal = accessSession
			}
			if asked.Request.Action == "" {
				asked.Request.Action = "s3:GetObject"
			}
			if asked.Request.Resource.ARN == "" {
				asked.Request.Resource.ARN = accessObject
			}
			questions, _, notes, err := access.Questions(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			decision, about := Allowed, ""
			for _, question := range questions {
				result, err := question.Decide(t.Context(), engine)
				if err != nil {
					t.Fatalf("%s: %v", question.About, err)
				}
				if result.Decision != Allowed && decision != ExplicitlyDenied {
					decision, about = result.Decision, question.About
				}
			}
			if decision != test.want || !strings.HasPrefix(about, test.about) || test.about == "" && about != "" {
				t.Errorf("%s by %q, want %s by %q; notes %q", decision, about, test.want, test.about, notes)
			}
			notes = slices.DeleteFunc(notes, func(note string) bool { return strings.HasPrefix(note, "No stack shows the policies of an org") })
			if test.note == "" && len(notes) > 0 || !strings.Contains(strings.Join(notes, "\n"), test.note) {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}
