<?php
// A ManageSieve client for the tests: Net_Sieve, which Roundcube uses.
//
// sieve.php KIND PORT USER PASSWORD MECHANISM FILE
//
// KIND is clear, starttls or tls. Uploads FILE, activates and fetches it, prints the scripts, and deletes it. The exit code is 1 when
// something is refused.

error_reporting(E_ALL & ~E_DEPRECATED);
require_once 'Net/Sieve.php';

function check($result)
{
    if (is_a($result, 'PEAR_Error')) {
        fwrite(STDERR, $result->getMessage() . "\n");
        exit(1);
    }
    return $result;
}

[, $kind, $port, $user, $password, $mechanism, $file] = $argv;
$options = ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]];
$host = ($kind == 'tls' ? 'ssl://' : '') . '127.0.0.1';
$client = new Net_Sieve($user, $password, $host, (int) $port, $mechanism, '', false, false, $kind == 'starttls', $options);
check($client->getError());
$script = file_get_contents($file);
check($client->haveSpace('a script', strlen($script)));
check($client->installScript('a script', $script, true));
echo implode(' ', check($client->listScripts())), ' active: ', check($client->getActive()), "\n";
// Net_Sieve cuts off the last line end.
if (rtrim(check($client->getScript('a script'))) !== rtrim($script)) {
    fwrite(STDERR, "another script\n");
    exit(1);
}
check($client->setActive(''));
check($client->removeScript('a script'));
echo 'extensions: ', implode(' ', check($client->getExtensions())), "\n";
check($client->disconnect());
