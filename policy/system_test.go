package policy

import (
	"strings"
	"testing"
)

func TestSystem(t *testing.T) {
	rules, err := NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const export = `{"version":3,"deployment":{"resources":[
	{"urn":"urn:pulumi:s::p::pulumi:providers:aws::d","type":"pulumi:providers:aws","inputs":{"allowedAccountIds":"[\"123456789012\"]"}},
	{"urn":"urn:pulumi:s::p::aws:iam/role:Role::r","type":"aws:iam/role:Role","provider":"urn:pulumi:s::p::pulumi:providers:aws::d::1",
		"inputs":{"name":"R","path":"/app/","assumeRolePolicy":"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}}"},
		"outputs":{"arn":"arn:aws:iam::123456789012:role/app/R","uniqueId":"AROAX","name":"R"}},
	{"urn":"urn:pulumi:s::p::aws:iam/rolePolicy:RolePolicy::p","type":"aws:iam/rolePolicy:RolePolicy","provider":"urn:pulumi:s::p::pulumi:providers:aws::d::1",
		"inputs":{"role":"R","policy":"{\"Statement\":[]}"}},
	{"urn":"urn:pulumi:s::p::aws:iam/rolePolicy:RolePolicy::q","type":"aws:iam/rolePolicy:RolePolicy","provider":"urn:pulumi:s::p::pulumi:providers:aws::d::1",
		"inputs":{"role":"R","policy":"[secret]"}}]}}`
	stack, err := ReadStack("s.json", strings.NewReader(export))
	if err != nil {
		t.Fatal(err)
	}
	system, err := rules.System(t.Context(), stack.File)
	if err != nil {
		t.Fatal(err)
	}
	if len(system.Roles) != 1 || system.Roles[0].ARN != "arn:aws:iam::123456789012:role/app/R" || system.Roles[0].UniqueID != "AROAX" {
		t.Errorf("roles: %+v", system.Roles)
	}
	if len(system.Attachments) != 3 {
		t.Fatalf("%d attachments, want 3: %+v", len(system.Attachments), system.Attachments)
	}
	for i, want := range []struct{ kind, problem string }{{"trust", ""}, {"identity", "Statement"}, {"identity", "it is not known yet, or secret"}} {
		attachment := system.Attachments[i]
		text, err := attachment.Document()
		if attachment.Kind != want.kind || (err == nil) != (want.problem == "") || err != nil && !strings.Contains(err.Error(), want.problem) ||
			(err == nil) != (len(text) > 0) {
			t.Errorf("%s: %s, %v; want %+v", attachment.URN, text, err, want)
		}
	}
	if action := rules.Actions()["s3:GetObject"]; action.Access != "Read" || len(action.Resources) == 0 {
		t.Errorf("s3:GetObject: %+v", action)
	}
}
