package lab

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/lab/account"
)

// Wherever account B reads the role, its bucket policy is the same, byte for byte, and a source that is closed to it says why.
func TestSharing(t *testing.T) {
	l := startLab(t, Options{Settings: map[string]map[string]string{ComputeStack: {
		"share":         `["stackReference","parameterStore","secretsManager"]`,
		"secretReaders": `["arn:aws:iam::987654321098:role/Deploy"]`,
	}}})
	compute := l.mustPulumi(t, "preview", "--stack", ComputeStack, "--json", "--show-sames")
	l.expectPass(t, "the first preview of account A", compute)
	l.mustUp(t, ComputeStack)
	l.noChanges(t, "deployed", ComputeStack)
	l.mustPulumi(t, "refresh", "--stack", ComputeStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	parameterARN := "arn:aws:ssm:" + l.Settings.Region + ":" + l.Settings.ComputeAccount + ":parameter/cross-account-s3/" + l.Settings.FunctionName + "/role"
	if got := l.output(t, "roleParameterArn"); got != parameterARN {
		t.Errorf("the parameter is %s, want %s", got, parameterARN)
	}
	secretARN := l.output(t, "roleSecretArn")
	share := l.inventoried(t, ":resource-share/")
	deployer, err := l.Profile(ComputeProfile)
	if err != nil {
		t.Fatal(err)
	}

	documents := map[string]string{}
	for _, source := range []struct {
		name     string
		settings map[string]string
	}{
		{"stackReference", nil},
		{"parameterStore", nil},
		{"secretsManager", map[string]string{"roleSecretArn": secretARN}},
	} {
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "roleArnFrom", source.name)
		for key, value := range source.settings {
			// Pulumi takes the letters behind the name for a secret.
			l.mustPulumi(t, "config", "set", "--stack", DataStack, "--plaintext", key, value)
		}
		// From nothing, so that no state of another source can stand in.
		preview := l.mustPulumi(t, "preview", "--stack", DataStack, "--json", "--show-sames")
		if documents := policies(t, preview); !strings.Contains(documents, l.RoleARN()) {
			t.Errorf("%s: the preview does not show the bucket policy: %s", source.name, documents)
		}
		l.expectPass(t, source.name+": the previews", compute, preview)
		l.mustUp(t, DataStack)
		if documents[source.name], err = l.World().BucketPolicy(l.Settings.BucketName); err != nil {
			t.Fatal(err)
		}
		if _, failure := l.invokeEvent(t, "put", source.name+".txt", "text"); failure != "" {
			t.Errorf("%s: put: %s", source.name, failure)
		}
		l.expectGet(t, source.name, source.name+".txt", "text")
		l.expectPass(t, source.name+": the exports", l.exported(t, ComputeStack), l.exported(t, DataStack))
		l.noChanges(t, source.name, ComputeStack, DataStack)
		l.mustPulumi(t, "refresh", "--stack", DataStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
		if err := l.Destroy(t.Context(), DataStack); err != nil {
			t.Fatal(err)
		}
	}
	for source, document := range documents {
		if document != documents["stackReference"] {
			t.Errorf("%s gives the bucket policy\n%s\nand the outputs\n%s", source, document, documents["stackReference"])
		}
	}

	parameter, err := l.World().Parameter(parameterARN)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := l.World().Secret(secretARN)
	if err != nil {
		t.Fatal(err)
	}
	key, err := l.World().KMSKey(secret.Key)
	if err != nil {
		t.Fatal(err)
	}
	foreign := strings.NewReplacer(":iam::"+l.Settings.ComputeAccount, ":iam::"+strangersAccount).Replace
	otherPartition := strings.NewReplacer("arn:aws:iam", "arn:aws-cn:iam").Replace
	otherRole := strings.NewReplacer("role/"+l.Settings.RoleName, "role/Other").Replace
	write := func(change func(string) string) func() error {
		return func() error {
			changed := parameter
			changed.Value = change(parameter.Value)
			return errors.Join(l.World().PutParameter(changed, false), l.World().ChangeSecret(secretARN, func(s *account.Secret) { s.Value = changed.Value }))
		}
	}
	for _, c := range []struct {
		name, source string
		spoil, mend  func() error
		want         []string
	}{
		{
			"the parameter is in no share", "parameterStore",
			func() error { return l.World().UnshareResource(share, parameterARN) },
			func() error { return l.World().ShareResource(share, parameterARN) },
			[]string{"AccessDenied", "ssm:GetParameter on " + parameterARN, "resource policy", "ssm:GetParameter"},
		},
		{
			"the share is not with account B", "parameterStore",
			func() error { return l.World().UnshareWith(share, l.Settings.DataAccount) },
			func() error { return l.World().ShareWith(share, l.Settings.DataAccount) },
			[]string{"AccessDenied", "resource policy"},
		},
		{
			"the secret has no policy", "secretsManager",
			func() error { return l.World().ChangeSecret(secretARN, func(s *account.Secret) { s.Policy = "" }) },
			func() error {
				return l.World().ChangeSecret(secretARN, func(s *account.Secret) { s.Policy = secret.Policy })
			},
			[]string{"AccessDenied", "secretsmanager:GetSecretValue on " + secretARN, "resource policy", "secretReaders"},
		},
		{
			"the key is closed", "secretsManager",
			func() error {
				closed := key
				closed.Policy = "" // KMS's own, which leaves the key to its account.
				return l.World().UpdateKMSKey(t.Context(), &deployer.Key, closed)
			},
			func() error { return l.World().UpdateKMSKey(t.Context(), &deployer.Key, key) },
			[]string{"Access to KMS is not allowed", "kms:Decrypt on " + secret.Key},
		},
		{"a role of another account in the parameter", "parameterStore", write(foreign), write(strings.Clone), []string{strangersAccount, l.RoleARN(), "pulumi up --stack account-a"}},
		{"a role of another partition in the parameter", "parameterStore", write(otherPartition), write(strings.Clone), []string{"aws-cn", l.RoleARN()}},
		{"another role in the parameter", "parameterStore", write(otherRole), write(strings.Clone), []string{"role/Other", l.RoleARN()}},
		{"a role of another account in the secret", "secretsManager", write(foreign), write(strings.Clone), []string{strangersAccount, l.RoleARN(), "pulumi up --stack account-a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.mustPulumi(t, "config", "set", "--stack", DataStack, "roleArnFrom", c.source)
			if err := c.spoil(); err != nil {
				t.Fatal(err)
			}
			_, err := l.Pulumi(t.Context(), "preview", "--stack", DataStack, "--non-interactive")
			var failed *PulumiError
			if !errors.As(err, &failed) {
				t.Fatalf("the preview: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(failed.Output, want) {
					t.Errorf("%q is not in\n%s", want, failed.Output)
				}
			}
			if err := c.mend(); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("an up", func(t *testing.T) {
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "roleArnFrom", "parameterStore")
		if err := l.World().UnshareResource(share, parameterARN); err != nil {
			t.Fatal(err)
		}
		if err := l.Up(t.Context(), DataStack); err == nil {
			t.Error("it went on without the role")
		}
		if _, err := l.World().Bucket(l.Settings.BucketName); err == nil {
			t.Error("the bucket was made")
		}
		if err := l.World().ShareResource(share, parameterARN); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a secret of another account", func(t *testing.T) {
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "roleArnFrom", "secretsManager")
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "--plaintext", "roleSecretArn", strings.Replace(secretARN, l.Settings.ComputeAccount, strangersAccount, 1))
		_, err := l.Pulumi(t.Context(), "preview", "--stack", DataStack, "--non-interactive")
		var failed *PulumiError
		if !errors.As(err, &failed) || !strings.Contains(failed.Output, "the output roleSecretArn of the compute side") {
			t.Errorf("%v", err)
		}
		l.mustPulumi(t, "config", "rm", "--stack", DataStack, "roleSecretArn")
	})

	t.Run("a parameter that somebody else has written", func(t *testing.T) {
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "roleArnFrom", "parameterStore")
		l.mustUp(t, DataStack)
		if err := write(otherRole)(); err != nil {
			t.Fatal(err)
		}
		l.mustPulumi(t, "refresh", "--stack", ComputeStack, "--yes", "--skip-preview", "--non-interactive")
		if judged := l.judge(t, l.exported(t, ComputeStack), l.exported(t, DataStack)); !slices.Contains(judged, "stale-output") {
			t.Errorf("after a refresh it is found %v, want stale-output", judged)
		}
		l.mustUp(t, ComputeStack)
		l.expectPass(t, "after the next up: the exports", l.exported(t, ComputeStack), l.exported(t, DataStack))
	})

	t.Run("a role made again", func(t *testing.T) {
		l.remakeRole(t)
		if judged := l.judge(t, l.exported(t, ComputeStack), l.exported(t, DataStack)); !slices.Contains(judged, "stale-output") {
			t.Errorf("account B has the old role, and it is found %v, want stale-output", judged)
		}
		l.mustUp(t, DataStack)
		if _, failure := l.invokeEvent(t, "put", "again.txt", "text"); failure != "" {
			t.Errorf("after the replacement of the bucket policy: %s", failure)
		}
		l.noChanges(t, "after the replacement", ComputeStack, DataStack)
	})

	t.Run("no longer by outputs", func(t *testing.T) {
		l.mustPulumi(t, "config", "rm", "--stack", ComputeStack, "share")
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "--path", "share[0]", "parameterStore")
		l.mustUp(t, ComputeStack)
		l.noChanges(t, "by the parameter alone", ComputeStack, DataStack)
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "roleArnFrom", "stackReference")
		_, err := l.Pulumi(t.Context(), "preview", "--stack", DataStack, "--non-interactive")
		var failed *PulumiError
		if !errors.As(err, &failed) || !strings.Contains(failed.Output, "has no roleArn") || !strings.Contains(failed.Output, "with stackReference in its setting share") {
			t.Errorf("%v", err)
		}
	})

	for _, stack := range []string{DataStack, ComputeStack} {
		if err := l.Destroy(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
	}
	if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
		t.Errorf("left: %v, there were %v", left, l.principals)
	}
}

// An account outside of the organization is only invited, where that is allowed at all.
func TestSharingOutsideOfTheOrganization(t *testing.T) {
	l := startLab(t, Options{Settings: map[string]map[string]string{
		ComputeStack: {"share": `["parameterStore"]`}, DataStack: {"roleArnFrom": "parameterStore"},
	}})
	l.World().Organize("", l.Settings.DataAccount)
	var failed *PulumiError
	if err := l.Up(t.Context(), ComputeStack); !errors.As(err, &failed) || !strings.Contains(failed.Output, "OperationNotPermittedException") {
		t.Fatalf("%v", err)
	}
	l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "shareOutsideOrganization", "true")
	l.mustUp(t, ComputeStack)
	if err := l.Up(t.Context(), DataStack); !errors.As(err, &failed) || !strings.Contains(failed.Output, "AccessDenied") || !strings.Contains(failed.Output, "accept the resource share") {
		t.Fatalf("before the invitation is accepted: %v", err)
	}
	if err := l.World().AcceptShare(l.inventoried(t, ":resource-share/"), l.Settings.DataAccount); err != nil {
		t.Fatal(err)
	}
	l.mustUp(t, DataStack)
	if _, failure := l.invokeEvent(t, "put", "a.txt", "text"); failure != "" {
		t.Errorf("after it: %s", failure)
	}
	l.noChanges(t, "after it", ComputeStack, DataStack)
}

// output is an output of account A's stack.
func (l *Lab) output(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(l.mustPulumi(t, "stack", "output", "--stack", ComputeStack, name))
}

func (l *Lab) exported(t *testing.T, stack string) string {
	t.Helper()
	return l.mustPulumi(t, "stack", "export", "--stack", stack)
}

// inventoried is the one ARN in the accounts with the text in it.
func (l *Lab) inventoried(t *testing.T, part string) string {
	t.Helper()
	var found []string
	for _, arn := range l.World().Inventory() {
		if strings.Contains(arn, part) {
			found = append(found, arn)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d ARNs with %s: %v", len(found), part, found)
	}
	return found[0]
}
