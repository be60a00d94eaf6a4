<?php
// SimpleSAMLphp as an identity provider of the tests. Everything that changes comes from the environment.
$folder = getenv('PROVIDER_FOLDER');
$config = [
    'baseurlpath' => getenv('PROVIDER_URL') . '/',
    'certdir' => $folder . '/',
    'loggingdir' => $folder . '/',
    'datadir' => $folder . '/',
    'tempdir' => $folder . '/',
    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'tests@example.test',
    'timezone' => 'UTC',
    'secretsalt' => 'only-for-the-tests-on-loopback',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'admin.protectindexpage' => true,
    'admin.checkforupdates' => false,
    'errorreporting' => false,
    'showerrors' => true,
    'debug' => ['saml' => false, 'backtraces' => true, 'validatexml' => false],
    'logging.handler' => 'errorlog',
    'logging.level' => SimpleSAML\Logger::WARNING,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    // Another site sends people here, and back by a form.
    'session.cookie.samesite' => null,
    'session.phpsession.cookiename' => 'SimpleSAML',
    'session.phpsession.savepath' => $folder,
    'store.type' => 'phpsession',
    'language.default' => 'en',
    'language.available' => ['en'],
    'metadata.sources' => [['type' => 'flatfile', 'directory' => getenv('PROVIDER_SCRIPTS') . '/metadata']],
];
