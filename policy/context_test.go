package policy

import (
	"maps"
	"testing"
)

func TestImpliedContext(t *testing.T) {
	bucket := Resource{ARN: "arn:aws:s3:::b", AccountID: "987654321098"}
	with := func(more map[string]any) map[string]any {
		more["aws:ResourceAccount"] = "987654321098"
		return more
	}
	for name, test := range map[string]struct {
		principal string
		resource  Resource
		want      map[string]any
	}{
		"a role session stands for its role": {"arn:aws:sts::123456789012:assumed-role/R/s", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws:iam::123456789012:role/R", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "AssumedRole", "aws:PrincipalIsAWSService": "false"})},
		"a session of another partition": {"arn:aws-cn:sts::123456789012:assumed-role/R/s", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws-cn:iam::123456789012:role/R", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "AssumedRole", "aws:PrincipalIsAWSService": "false"})},
		"a role": {"arn:aws:iam::123456789012:role/path/R", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws:iam::123456789012:role/path/R", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "AssumedRole", "aws:PrincipalIsAWSService": "false"})},
		"a user has a name, without its path": {"arn:aws:iam::123456789012:user/path/u", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws:iam::123456789012:user/path/u", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "User", "aws:PrincipalIsAWSService": "false", "aws:username": "u"})},
		"a federated user": {"arn:aws:sts::123456789012:federated-user/f", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws:sts::123456789012:federated-user/f", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "FederatedUser", "aws:PrincipalIsAWSService": "false"})},
		"the root of an account": {"arn:aws:iam::123456789012:root", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws:iam::123456789012:root", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "Account", "aws:PrincipalIsAWSService": "false"})},
		"an account id": {"123456789012", bucket, with(map[string]any{
			"aws:PrincipalArn": "arn:aws:iam::123456789012:root", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalType": "Account", "aws:PrincipalIsAWSService": "false"})},
		"a service": {"lambda.amazonaws.com", bucket, with(map[string]any{
			"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": "lambda.amazonaws.com"})},
		"nobody": {"anonymous", bucket, with(map[string]any{
			"aws:PrincipalAccount": "anonymous", "aws:PrincipalType": "Anonymous"})},
		"the resource's account from its ARN": {"anonymous", Resource{ARN: "arn:aws:sqs:eu-central-1:111122223333:q"}, map[string]any{
			"aws:PrincipalAccount": "anonymous", "aws:PrincipalType": "Anonymous", "aws:ResourceAccount": "111122223333"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ImpliedContext(test.principal, test.resource); !maps.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}
