package policy

import (
	"strings"
	"testing"
)

func TestSentence(t *testing.T) {
	read := &StatementRef{Policy: "access", Index: 1, Sid: "Read"}
	grant := &StatementRef{Policy: "resourcePolicy", Index: 0}
	miss := &Miss{StatementRef: StatementRef{Policy: "bucket", Index: 0, Sid: "Read"}, Part: "principal",
		Wanted: "arn:aws:iam::123456789012:role/Rolf", Got: "arn:aws:iam::123456789012:role/Role"}
	for name, test := range map[string]struct {
		result Result
		want   string
	}{
		"without reasons": {Result{Decision: ImplicitlyDenied}, "Denied (implicit)."},
		"allowed names both sides": {
			Result{Allowed, []Reason{
				{Layer: "scp", Level: "r-1", Outcome: "allowed", Statement: &StatementRef{Policy: "FullAWSAccess"}},
				{Layer: "identity", Outcome: "allowed", Statement: read},
				{Layer: "resource", Outcome: "allowed", Statement: grant}}},
			`Allowed by identity policy "access", statement 1 (Sid "Read") and resource policy, statement 0.`},
		"an explicit denial names the statement": {
			Result{ExplicitlyDenied, []Reason{
				{Layer: "scp", Level: "ou-1", Outcome: "denied", Statement: &StatementRef{Policy: "region", Index: 2}},
				{Layer: "identity", Outcome: "allowed", Statement: read}}},
			`Denied (explicit) by SCP of level "ou-1" "region", statement 2.`},
		"an implicit denial names the closest statement": {
			Result{ImplicitlyDenied, []Reason{
				{Layer: "identity", Outcome: "allowed", Statement: read},
				{Layer: "resource", Outcome: "silent", Nearest: miss}}},
			`Denied (implicit): the resource policy does not allow it: closest is statement 0 (Sid "Read") of "bucket", but it names the principal ` +
				`"arn:aws:iam::123456789012:role/Rolf" and the request comes from "arn:aws:iam::123456789012:role/Role" ` +
				`(they differ in one letter: Rol[f] in the statement, Rol[e] in the request).`},
		"a missing policy is named": {
			Result{ImplicitlyDenied, []Reason{
				{Layer: "identity", Outcome: "absent"}, {Layer: "resource", Outcome: "absent"}, {Layer: "boundary", Outcome: "absent"}}},
			`Denied (implicit): there is no identity policy; there is no resource policy.`},
		"a limit that is silent explains by itself": {
			Result{ImplicitlyDenied, []Reason{
				{Layer: "boundary", Outcome: "silent"},
				{Layer: "identity", Outcome: "allowed", Statement: read},
				{Layer: "resource", Outcome: "absent"}}},
			`Denied (implicit): the permissions boundary does not allow it.`},
		"a service has no policies of its own": {
			Result{ImplicitlyDenied, []Reason{
				{Layer: "scp", Outcome: "inapplicable"}, {Layer: "identity", Outcome: "inapplicable"}, {Layer: "resource", Outcome: "silent"}}},
			`Denied (implicit): the resource policy does not allow it.`},
		"a policy that only delegates leaves it to the identity policy": {
			Result{ImplicitlyDenied, []Reason{
				{Layer: "identity", Outcome: "silent"}, {Layer: "resource", Outcome: "delegated", Statement: grant}}},
			`Denied (implicit): the identity policy does not allow it.`},
		"undetermined names what is open": {
			Result{Undetermined, []Reason{
				{Layer: "identity", Outcome: "allowed", Statement: read},
				{Layer: "resource", Outcome: "undetermined", Statement: grant,
					Nearest: &Miss{Part: "condition", Operator: "NumericEquals", Key: "s3:max-keys", Wanted: "10", Got: "ten"}}}},
			`Undetermined: resource policy, statement 0 may or may not match: its condition NumericEquals s3:max-keys asks for "10" and the request has "ten".`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.result.Sentence(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestMissSentence(t *testing.T) {
	for name, test := range map[string]struct {
		miss Miss
		want string
	}{
		"an action": {Miss{Part: "action", Wanted: []any{"s3:GetObject", "s3:PutObject"}, Got: "s3:DeleteBucket"},
			`closest is statement 0, but it covers the action "s3:GetObject" or "s3:PutObject" and the request is "s3:DeleteBucket"`},
		"a long list": {Miss{Part: "action", Wanted: []any{"s3:A", "s3:B", "s3:C", "s3:D", "s3:E"}, Got: "s3:X"},
			`closest is statement 0, but it covers the action "s3:A", "s3:B", "s3:C" or 2 more and the request is "s3:X"`},
		"a key that the request does not carry": {Miss{Part: "condition", Operator: "StringEquals", Key: "aws:PrincipalOrgID", Wanted: "o-1"},
			`closest is statement 0, but its condition StringEquals aws:PrincipalOrgID asks for "o-1" and the request does not carry this key`},
		"a negated operator": {Miss{Part: "condition", Operator: "StringNotEquals", Key: "aws:x", Wanted: "abcde", Got: "abcde"},
			`closest is statement 0, but its condition StringNotEquals aws:x rules out "abcde" and the request has "abcde"`},
		"a negated element": {Miss{Part: "action", Element: "NotAction", Wanted: "s3:*", Got: "s3:GetObject"},
			`closest is statement 0, but it covers all but the action "s3:*" and the request is "s3:GetObject"`},
		"a principal map": {Miss{Part: "principal", Wanted: map[string]any{"Service": "s3.amazonaws.com", "AWS": []any{"111122223333"}}, Got: "lambda.amazonaws.com"},
			`closest is statement 0, but it names the principal "111122223333" or "s3.amazonaws.com" and the request comes from "lambda.amazonaws.com"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.miss.Sentence(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestHint(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/CrossAccountS3Role"
	for name, test := range map[string]struct {
		miss Miss
		want string // a part of the hint; empty for none
	}{
		"one letter of a session's role": {Miss{Part: "principal", Wanted: "arn:aws:iam::123456789012:role/service/CrossAccountS3Rolf", Got: "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/s"},
			"CrossAccountS3Rol[f] in the statement, CrossAccountS3Rol[e] in the request"},
		"one letter too few": {Miss{Part: "principal", Wanted: "arn:aws:iam::123456789012:role/CrosAccountS3Role", Got: role},
			"Cros[]AccountS3Role in the statement, Cros[s]AccountS3Role in the request"},
		"one letter among several": {Miss{Part: "principal", Wanted: []any{"arn:aws:iam::123456789012:role/Other", "arn:aws:iam::123456789012:role/CrossAccountS3Rol"}, Got: role},
			"CrossAccountS3Rol[] in the statement, CrossAccountS3Rol[e] in the request"},
		"one digit of an account": {Miss{Part: "principal", Wanted: "arn:aws:iam::123456789013:role/CrossAccountS3Role", Got: role},
			"12345678901[3] in the statement, 12345678901[2] in the request"},
		"another account": {Miss{Part: "principal", Wanted: "arn:aws:iam::111122223333:role/CrossAccountS3Role", Got: "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/s"},
			"another account: 111122223333 in the statement, 123456789012 in the request"},
		"another account as a whole": {Miss{Part: "principal", Wanted: "111122223333", Got: role},
			"another account: 111122223333 in the statement, 123456789012 in the request"},
		"a deleted role": {Miss{Part: "principal", Wanted: "AROAEXAMPLEID", Got: role}, `"AROAEXAMPLEID" is the id of a role or user that was deleted`},
		"another partition": {Miss{Part: "principal", Wanted: "arn:aws-cn:iam::123456789012:role/x/CrossAccountS3Role", Got: "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/s"},
			"another partition: aws-cn in the statement, aws in the request"},
		"a path too much": {Miss{Part: "principal", Wanted: "arn:aws:iam::123456789012:role/service/CrossAccountS3Role", Got: role},
			"the paths differ: role/service/CrossAccountS3Role in the statement, role/CrossAccountS3Role is the role"},
		"another name in another account": {Miss{Part: "principal", Wanted: "arn:aws:iam::111122223333:role/Reader", Got: role}, ""},
		"letter case":                     {Miss{Part: "principal", Wanted: "arn:aws:iam::123456789012:role/crossaccounts3role", Got: role}, "only the letter case differs"},
		"letter case within a pattern":    {Miss{Part: "resource", Wanted: "arn:aws:s3:::b/Incoming/*", Got: "arn:aws:s3:::b/incoming/x"}, "only the letter case differs"},
		"one letter within a pattern":     {Miss{Part: "resource", Wanted: "arn:aws:s3:::my-bucket/incomming/*", Got: "arn:aws:s3:::my-bucket/incoming/x"}, "incom[m]ing in the statement, incom[]ing in the request"},
		"the bucket for an object":        {Miss{Part: "resource", Wanted: "arn:aws:s3:::b", Got: "arn:aws:s3:::b/k"}, `not the objects in it, which are "arn:aws:s3:::b/*"`},
		"the objects for a bucket":        {Miss{Part: "resource", Wanted: "arn:aws:s3:::bucket/*", Got: "arn:aws:s3:::bucket"}, `not the bucket itself, which is "arn:aws:s3:::bucket"`},
		"outside of the prefix":           {Miss{Part: "resource", Wanted: "arn:aws:s3:::b/incoming/*", Got: "arn:aws:s3:::b/secret/x"}, `the key "secret/x" is not within "incoming/*"`},
		"another bucket":                  {Miss{Part: "resource", Wanted: "arn:aws:s3:::first/*", Got: "arn:aws:s3:::second/x"}, ""},
		"http where https is asked for":   {Miss{Part: "condition", Operator: "Bool", Key: "aws:securetransport", Wanted: "true", Got: "false"}, "the request came over http"},
		"no word of http or https":        {Miss{Part: "condition", Operator: "Bool", Key: "aws:SecureTransport", Wanted: "true"}, "does not say how it came"},
		"https where http is asked for":   {Miss{Part: "condition", Operator: "Bool", Key: "aws:SecureTransport", Wanted: "false", Got: "true"}, ""},
		"one letter of a value":           {Miss{Part: "condition", Operator: "StringEquals", Key: "aws:PrincipalOrgID", Wanted: "o-a1b2c3d4e5", Got: "o-a1b2c3d4e6"}, "o-a1b2c3d4e[5] in the statement, o-a1b2c3d4e[6] in the request"},
		"short values":                    {Miss{Part: "condition", Operator: "StringEquals", Key: "aws:x", Wanted: "a", Got: "b"}, ""},
		"what a condition rules out":      {Miss{Part: "condition", Operator: "StringNotEquals", Key: "aws:x", Wanted: "abcdef", Got: "abcdeg"}, ""},
		"letters of several bytes":        {Miss{Part: "resource", Wanted: "arn:aws:s3:::bücher/a", Got: "arn:aws:s3:::böcher/a"}, "b[ü]cher in the statement, b[ö]cher in the request"},
		"one letter of an action":         {Miss{Part: "action", Wanted: "s3:GetObjects", Got: "s3:GetObject"}, "GetObject[s] in the statement, GetObject[] in the request"},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.miss.Hint()
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
