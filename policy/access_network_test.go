package policy

import (
	"maps"
	"strconv"
	"strings"
	"testing"
)

// What a function's VPC makes of its requests: which endpoint they come through is known once that one is made.
func TestAccessFromAVPC(t *testing.T) {
	const (
		made, own = "vpce-11111111", `"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-11111111","aws:SourceVpc":"vpc-11111111"}}`
		refuses   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"*"}}`
	)
	function := `{"urn":"urn:pulumi:a::p::aws:lambda/function:Function::f","type":"aws:lambda/function:Function","inputs":{
		"name":"f","role":"arn:aws:iam::123456789012:role/R","vpcConfig":{"subnetIds":["subnet-1"]}}}`
	endpoint := func(name, vpc, id, policy string) string {
		arn := id
		if id != unknownString {
			arn = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/" + id
		}
		return `{"urn":"urn:pulumi:a::p::aws:ec2/vpcEndpoint:VpcEndpoint::` + name + `","type":"aws:ec2/vpcEndpoint:VpcEndpoint","inputs":{
			"serviceName":"com.amazonaws.eu-west-1.s3","vpcId":"` + vpc + `","policy":` + strconv.Quote(policy) + `},"outputs":{"arn":"` + arn + `"}}`
	}
	all := grants("s3:*", "*", `,"Principal":"*"`)
	asks := halves{b: []inStack{{kind: "BucketPolicy", name: "bucket", inputs: map[string]any{
		"bucket": "b", "policy": grants("s3:GetObject", accessObject, to("arn:aws:iam::123456789012:role/R")+","+own)}}}}

	rules, err := NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		resources []string // of account A, besides its role
		context   map[string]any
		want      Decision
		about     string // the question that decides
		note      string
	}{
		"through the endpoint":           {[]string{function, endpoint("s3", "vpc-11111111", made, all)}, nil, Allowed, "", ""},
		"which refuses":                  {[]string{function, endpoint("s3", "vpc-11111111", made, refuses)}, nil, ImplicitlyDenied, "the endpoint s3", ""},
		"through another than asked for": {[]string{function, endpoint("s3", "vpc-22222222", "vpce-22222222", all)}, nil, ImplicitlyDenied, "", ""},
		"through one that is not made":   {[]string{function, endpoint("s3", "vpc-11111111", unknownString, all)}, nil, ImplicitlyDenied, "", ""},
		"through one of two": {[]string{function, endpoint("s3", "vpc-11111111", made, all), endpoint("other", "vpc-22222222", "vpce-22222222", refuses)},
			map[string]any{"AWS:SourceVpce": made}, Allowed, "", ""},
		"not from the VPC":              {[]string{function, endpoint("s3", "vpc-11111111", made, refuses)}, map[string]any{"aws:SourceIp": "203.0.113.7"}, ImplicitlyDenied, "", ""},
		"in no VPC":                     {[]string{endpoint("s3", "vpc-11111111", made, refuses)}, nil, ImplicitlyDenied, "", ""},
		"through one of none":           {[]string{function}, map[string]any{"aws:SourceVpce": made, "aws:SourceVpc": "vpc-11111111"}, Allowed, "", "do not have the endpoint vpce-11111111"},
		"of no endpoint":                {[]string{function}, nil, ImplicitlyDenied, "", "The function f runs in a VPC"},
		"from outside, and no endpoint": {[]string{function}, map[string]any{"aws:SourceIp": "203.0.113.7"}, ImplicitlyDenied, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := asks.files(t)
			more := ""
			for _, resource := range test.resources {
				more += `{"op":"create","newState":` + resource + `},`
			}
			read, err := ReadStack("", strings.NewReader(strings.Replace(string(files[0].Contents), `"steps":[`, `"steps":[`+more, 1)))
			if err != nil {
				t.Fatal(err)
			}
			files[0] = read.File
			access, err := rules.Access(t.Context(), files...)
			if err != nil {
				t.Fatal(err)
			}
			questions, _, notes, err := access.Questions(t.Context(), Case{Request: Request{
				Principal: accessSession, Action: "s3:GetObject", Resource: Resource{ARN: accessObject}, Context: maps.Clone(test.context)}})
			if err != nil {
				t.Fatal(err)
			}
			decision, about := Allowed, ""
			for _, question := range questions {
				result, err := question.Decide(t.Context(), engine)
				if err != nil {
					t.Fatal(err)
				}
				if result.Decision != Allowed && decision == Allowed {
					decision, about = result.Decision, question.About
				}
			}
			if decision != test.want || !strings.HasPrefix(about, test.about) || test.about == "" && about != "" {
				t.Errorf("%s by %q, want %s by %q", decision, about, test.want, test.about)
			}
			told := strings.Join(notes[:len(notes)-1], "\n") // The last is about organizations.
			if !strings.Contains(told, test.note) || test.note == "" && told != "" {
				t.Errorf("notes %q, want %q", told, test.note)
			}
		})
	}
}
