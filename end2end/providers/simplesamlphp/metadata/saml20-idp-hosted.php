<?php
$metadata[getenv('PROVIDER_URL') . '/idp'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'simplesamlphp.key.pem',
    'certificate' => 'simplesamlphp.crt.pem',
    'auth' => 'users',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'authproc' => [
        // The name itself, so that a test knows whom to expect.
        10 => [
            'class' => 'saml:AttributeNameID',
            'attribute' => 'uid',
            'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        ],
    ],
];
