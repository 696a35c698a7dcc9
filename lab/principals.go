package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cross-account-s3/lab/account"
)

// Profile is a principal of the lab, with the name that its credentials have in the AWS configuration of `lab exec`.
type Profile struct {
	Name string
	// About says who it is.
	About string
	Key   account.Key
}

// The profiles of a lab. The function's is there once the function is.
const (
	ComputeProfile  = "account-a"
	DataProfile     = "account-b"
	FunctionProfile = "function"
	OtherProfile    = "other-role"
	StrangerProfile = "stranger"
)

// makePrincipals makes the roles that the accounts have before anything is deployed: one to deploy as in each account of the project,
// and two that have every permission on S3 of their own account, but nothing to do with the bucket.
func (l *Lab) makePrincipals() error {
	const (
		everything = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`
		allOfS3    = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`
		trust      = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "sts:AssumeRole"}}`
	)
	for _, p := range []struct {
		profile, about, account, role, document string
	}{
		{ComputeProfile, "deploys account A", l.Settings.ComputeAccount, "Deploy", everything},
		{DataProfile, "deploys account B", l.Settings.DataAccount, "Deploy", everything},
		{OtherProfile, "another role of account A, with s3:* on everything", l.Settings.ComputeAccount, "Reporting", allOfS3},
		{StrangerProfile, "a role of a third account, with s3:* on everything", strangersAccount, "Stranger", allOfS3},
	} {
		role, err := l.world.CreateRole(account.Role{Account: p.account, Name: p.role, TrustPolicy: fmt.Sprintf(trust, p.account)})
		if err == nil {
			err = l.world.PutRolePolicy(role.ARN, "permissions", p.document)
		}
		if err == nil {
			err = l.addProfile(p.profile, p.about, role.ARN, "lab")
		}
		if err != nil {
			return fmt.Errorf("making the role %s of account %s: %w", p.role, p.account, err)
		}
	}
	return nil
}

// addProfile makes a session of a role and puts it into the AWS configuration of the lab.
func (l *Lab) addProfile(name, about, roleARN, session string) error {
	key, err := l.world.AssumeRole(roleARN, session)
	if err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.profiles = slices.DeleteFunc(l.profiles, func(p Profile) bool { return p.Name == name })
	l.profiles = append(l.profiles, Profile{Name: name, About: about, Key: key})
	return l.writeProfiles()
}

// AddFunctionProfile makes the profile of the deployed function's role.
func (l *Lab) AddFunctionProfile() error {
	function, err := l.world.Function(l.FunctionARN())
	if err != nil {
		return err
	}
	return l.addProfile(FunctionProfile, "the role of the function", function.Role, function.Name)
}

// FunctionARN is the ARN of the function that the project deploys.
func (l *Lab) FunctionARN() string {
	function := account.Function{Account: l.Settings.ComputeAccount, Region: l.Settings.Region, Name: l.Settings.FunctionName}
	return function.ARN()
}

// RoleARN is the ARN of the role that the project deploys.
func (l *Lab) RoleARN() string {
	return "arn:aws:iam::" + l.Settings.ComputeAccount + ":role/" + l.Settings.RoleName
}

// Profiles are the principals of the lab.
func (l *Lab) Profiles() []Profile {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.profiles)
}

// Profile is the principal with this name.
func (l *Lab) Profile(name string) (Profile, error) {
	var names []string
	for _, profile := range l.Profiles() {
		if profile.Name == name {
			return profile, nil
		}
		names = append(names, profile.Name)
	}
	return Profile{}, fmt.Errorf("the lab has no profile %q; it has %s", name, strings.Join(names, ", "))
}

// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
func (l *Lab) writeProfiles() error {
	var config, credentials strings.Builder
	for _, p := range l.profiles {
		fmt.Fprintf(&config, "[profile %s]\nregion = %s\n\n", p.Name, l.Settings.Region)
		fmt.Fprintf(&credentials, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n\n",
			p.Name, p.Key.AccessKeyID, p.Key.SecretAccessKey, p.Key.SessionToken)
	}
	for name, text := range map[string]string{"config": config.String(), "credentials": credentials.String()} {
		if err := os.WriteFile(filepath.Join(l.home, "aws-"+name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing the AWS configuration of the lab: %w", err)
		}
	}
	return nil
}

// awsEnvironment are the variables that make the AWS CLI and SDKs use the lab.
func (l *Lab) awsEnvironment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + l.endpoint.URL(),
		"AWS_CA_BUNDLE=" + l.endpoint.CAFile(),
		"AWS_REGION=" + l.Settings.Region,
		"AWS_CONFIG_FILE=" + filepath.Join(l.home, "aws-config"),
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(l.home, "aws-credentials"),
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Describe says how to use the lab from outside.
func (l *Lab) Describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, `The accounts are up, simulated on this machine, until Ctrl-C.

  lab exec -- pulumi stack ls                          any pulumi command
  lab exec -- aws --profile %s s3 ls             any other command, with a profile of the list below

  go run ./cmd/lab is lab. For tools outside of lab exec:

`, DataProfile)
	for _, variable := range l.awsEnvironment() {
		fmt.Fprintf(&b, "export %s\n", variable)
	}
	fmt.Fprintf(&b, "\n  plain http, which the bucket policy refuses: %s\n\nAWS_PROFILE     who that is\n", l.endpoint.PlainURL())
	for _, p := range l.Profiles() {
		fmt.Fprintf(&b, "%-15s %s: %s\n", p.Name, p.Key.Principal, p.About)
	}
	return b.String()
}
