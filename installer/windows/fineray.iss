; Inno Setup: an installer from the folder that installer/build makes on Windows (docs/installing.md).
;   iscc /DVersion=0.1.0 /DFolder=..\..\build\installer\cpu\dist\fineray /DVariant=cpu installer\windows\fineray.iss
[Setup]
AppId={{6E0B7C26-6C0C-4C2B-9A46-5B3C7B3C7F52}
AppName=Fineray
AppVersion={#Version}
AppPublisher=The Fineray project
DefaultDirName={autopf}\Fineray
DefaultGroupName=Fineray
PrivilegesRequiredOverridesAllowed=dialog
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\..\LICENSE
OutputDir=..\..\build\installer\{#Variant}
OutputBaseFilename=fineray_{#Version}_{#Variant}_x64
Compression=lzma2/fast
SolidCompression=yes
ChangesAssociations=yes
ChangesEnvironment=yes
UninstallDisplayIcon={app}\fineray-window.exe

[Files]
Source: "{#Folder}\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[InstallDelete]
; the next version is installed over this one: nothing of the old program stays beside it
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\Fineray"; Filename: "{app}\fineray-window.exe"

[Registry]
Root: HKA; Subkey: "Software\Classes\.fineray"; ValueType: string; ValueData: "Fineray.Project"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\.frpkg"; ValueType: string; ValueData: "Fineray.Package"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Fineray.Project\shell\open\command"; ValueType: string; ValueData: """{app}\fineray-window.exe"" ""%1"""; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Fineray.Package\shell\open\command"; ValueType: string; ValueData: """{app}\fineray-window.exe"" ""%1"""; Flags: uninsdeletekey

[Run]
Filename: "{app}\fineray-window.exe"; Description: "Start Fineray"; Flags: nowait postinstall skipifsilent
